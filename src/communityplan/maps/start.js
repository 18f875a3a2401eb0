/* A page: one or two maps, what is chosen for them, and how they start. */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});

  /** An element with attributes, listeners (onclick and the like) and what is inside it. */
  function make(tag, attributes, ...inside) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") node.className = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...inside.filter((part) => part !== null && part !== undefined));
    return node;
  }
  cp.make = make;
  cp.pages = [];

  cp.number = function (value, digits, lang) {
    if (typeof value !== "number") return String(value);
    return value.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits });
  };

  const unique = (list) => [...new Set(list)];

  // ---- what is on the page

  cp.show = function (map, holder) {
    const page = JSON.parse(holder.textContent);
    const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    page.word = (key, values) => filled(page.words[key] || key, values || {});
    page.fonts = [...page.theme.fonts.map((name) => `"${name}"`), "system-ui", "sans-serif"].join(", ");
    page.refresh = [];
    page.views = unpacked(page);
    page.choice = firstChoice(page);
    page.views.forEach((view) => (view.choice = page.choice));
    document.documentElement.lang = page.lang === "zh" ? "zh-CN" : "en";
    const viewport = document.querySelector('meta[name="viewport"]');
    if (viewport) viewport.content = "width=device-width, initial-scale=1";
    lay(page, map);
    cp.pages.push(page);
    return page;
  };

  function unpacked(page) {
    const decoded = {};
    const shapesOf = (id) => decoded[id] || (decoded[id] = cp.decode(page.shapes[id]));
    const ready = (layer) => ({ ...layer, s: shapesOf(layer.shapes), names: page.lists[layer.names] });
    const upwards = (a, b) => a.order - b.order;
    return page.views.map((view) => ({ ...view, fonts: page.fonts, ground: page.theme.colours.ground, layers: view.layers.map(ready).sort(upwards) }));
  }

  /** The layers of all maps of a page, each key once. */
  cp.layers = function (page) {
    const seen = new Map();
    for (const layer of page.views.flatMap((view) => view.layers)) {
      if (!seen.has(layer.key)) seen.set(layer.key, layer);
    }
    return [...seen.values()];
  };

  /** Limits, groups or walkers that the layers know for a service. */
  cp.options = function (page, name, service) {
    const ofBands = (one) => (one.bands || []).map((band) => band.within_min);
    const held = (one) => (name === "within_min" && one.bands ? ofBands(one) : [one[name]]);
    const variants = page.views.flatMap((view) => view.layers).flatMap((layer) => layer.variants);
    const able = variants.filter((one) => !one.service || one.service === service);
    const known = unique(able.flatMap(held).filter(Boolean));
    return name === "within_min" ? known.sort((a, b) => a - b) : known;
  };

  function firstChoice(page) {
    const choice = { on: {}, colour: "" };
    const layers = cp.layers(page).sort((a, b) => a.place - b.place);
    for (const layer of layers) {
      if (layer.section !== "colour") choice.on[layer.key] = layer.on && layer.s.count > 0;
      else if (!choice.colour && layer.on && layer.s.count) choice.colour = layer.key;
    }
    cp.chooseService(page, choice, page.services.length ? page.services[0].key : "");
    return choice;
  }

  /** Chooses a service, with its own limit, group and walker where the page knows them. */
  cp.chooseService = function (page, choice, key) {
    const service = cp.service(page, key);
    const known = (name) => cp.options(page, name, key);
    const nearest = (a, b) => (Math.abs(b - service.within_min) < Math.abs(a - service.within_min) ? b : a);
    choice.service = key;
    choice.limit = known("within_min").length ? known("within_min").reduce(nearest) : service.within_min;
    for (const name of ["group", "walker"]) {
      choice[name] = known(name).includes(service[name]) ? service[name] : known(name)[0] || "";
    }
  };

  cp.service = (page, key) => page.services.find((one) => one.key === key) || {};

  // ---- the maps

  function lay(page, map) {
    const box = map.getContainer();
    page.stage = make("div", { class: "cp-stage" });
    page.stage.style.fontFamily = page.fonts;
    page.maps = make("main", { class: "cp-maps", "aria-label": page.title });
    page.panel = make("section", { class: "cp-panel", "aria-label": page.word("map.panel") });
    box.parentNode.insertBefore(page.stage, box);
    page.stage.append(page.panel, page.maps);
    page.maps.append(box);
    setUp(page, page.views[0], map);
    if (page.views.length > 1) setUp(page, page.views[1], cp.compare(page, map));
    cp.buildPanel(page);
    cp.resize(page);
    cp.fit(page);
    page.views.forEach((view) => (view.ready = true));
    cp.redraw(page);
    watchPrint(page);
  }

  function setUp(page, view, map) {
    const box = map.getContainer();
    view.map = map;
    box.style.background = page.theme.colours.ground;
    box.classList.add("cp-map");
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", view.label || page.title);
    map.attributionControl.setPrefix(false);
    map.attributionControl.addAttribution(page.attribution);
    if (map.zoomControl) map.zoomControl.setPosition("topright");
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    if (map.options.maxZoom === undefined) map.setMaxZoom(20);
    view.canvas = cp.makeCanvas(view);
    if (!map._loaded) map.setView([0, 0], 2);
    view.canvas.addTo(map);
    // circles grow with the map, and crowded layers appear
    if (view === page.views[0]) map.on("zoomend", () => page.refresh.forEach((part) => part()));
    map.on("click", (event) => cp.tellAt(page, view, event.latlng));
    map.on("mousemove", (event) => hover(view, event));
  }

  function hover(view, event) {
    if (view.waiting) return;
    view.waiting = requestAnimationFrame(() => {
      view.waiting = 0;
      const found = cp.under(view, event.latlng).some((one) => one.layer.paint !== "bands");
      view.map.getContainer().style.cursor = found ? "pointer" : "";
    });
  }

  /** Shows everything that the page is about; streets may run out of sight. */
  cp.fit = function (page) {
    const about = ["communities", "homes", "idle_buildings", "facilities"];
    const layers = cp.layers(page);
    const chosen = layers.filter((layer) => about.includes(layer.key) && layer.s.count);
    const whole = cp.extent((chosen.length ? chosen : layers).map((layer) => layer.s));
    const how = { padding: [24, 24], animate: false, maxZoom: 18 };
    if (whole) page.views[0].map.fitBounds(whole, how);
  };

  /** After a change of the size of the maps; two maps stay in step. */
  cp.resize = function (page) {
    const [first, second] = page.views.map((view) => view.map);
    page.resizing = true;
    for (const map of [first, second].filter(Boolean)) map.invalidateSize({ animate: false });
    page.resizing = false;
    if (second) second.setView(first.getCenter(), first.getZoom(), { animate: false });
  };

  cp.redraw = function (page) {
    page.views.forEach((view) => view.canvas.draw());
    page.refresh.forEach((part) => part());
  };

  // ---- print

  /** On paper nothing scrolls: what is too long for the sheet is set smaller. */
  function shrink(body, printing) {
    body.style.zoom = "";
    if (printing) body.style.zoom = Math.min(1, Math.max(0.5, body.clientHeight / body.scrollHeight));
  }

  function watchPrint(page) {
    let seen = null;
    const again = (printing) => () => {
      if (printing) seen = page.views[0].map.getBounds();
      page.stage.classList.toggle("cp-printing", printing);
      page.stage.querySelectorAll("details").forEach((one) => (one.open = printing));
      page.choice.printing = printing;
      shrink(page.panel.querySelector(".cp-body"), printing);
      cp.resize(page);
      if (seen) page.views[0].map.fitBounds(seen, { animate: false });
    };
    window.addEventListener("beforeprint", again(true));
    window.addEventListener("afterprint", again(false));
  }
})();
