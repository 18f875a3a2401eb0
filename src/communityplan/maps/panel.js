/* The panel beside the map: choices, figures, legend, search, popups, print.
 *
 * Everything that a table brought is put on the page as text, never as HTML.
 */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});

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

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  cp.number = function (value, digits, lang) {
    if (typeof value !== "number") return String(value);
    const options = { maximumFractionDigits: digits, minimumFractionDigits: 0 };
    return value.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", options);
  };

  const unique = (list) => [...new Set(list)];

  // ---- the page: one or two maps and what is chosen for them

  cp.show = function (map, holder) {
    const page = JSON.parse(holder.textContent);
    page.word = (key, values) => fill(page.words[key] || key, values || {});
    page.fonts = page.theme.fonts.map((name) => `"${name}"`).join(", ") + ", system-ui, sans-serif";
    const decoded = {};
    const shapesOf = (id) => decoded[id] || (decoded[id] = cp.decode(page.shapes[id]));
    page.views = page.views.map((view) => ({
      ...view,
      fonts: page.fonts,
      layers: view.layers
        .map((layer) => ({ ...layer, s: shapesOf(layer.shapes) }))
        .sort((a, b) => a.order - b.order),
    }));
    page.choice = firstChoice(page);
    page.views.forEach((view) => (view.choice = page.choice));
    document.documentElement.lang = page.lang === "zh" ? "zh-CN" : "en";
    const viewport = document.querySelector('meta[name="viewport"]');
    if (viewport) viewport.content = "width=device-width, initial-scale=1";
    lay(page, map);
    map.communityplan = page;
    return page;
  };

  function allLayers(page) {
    const seen = new Map();
    for (const view of page.views) for (const layer of view.layers) if (!seen.has(layer.key)) seen.set(layer.key, layer);
    return [...seen.values()];
  }

  /** Limits, groups or walkers that the layers know for a service. */
  function options(page, name, service) {
    const values = allLayers(page).flatMap((layer) =>
      layer.variants
        .filter((one) => !one.service || one.service === service)
        .flatMap((one) => (one.bands && one.bands.length && name === "within_min" ? one.bands.map((band) => band.within_min) : [one[name]])),
    );
    const known = unique(values.filter((value) => value));
    return name === "within_min" ? known.sort((a, b) => a - b) : known;
  }

  function firstChoice(page) {
    const layers = allLayers(page);
    const on = {};
    for (const layer of layers) if (layer.section !== "colour") on[layer.key] = layer.on && layer.s.count > 0;
    const colours = layers.filter((layer) => layer.section === "colour");
    const choice = { on, colour: (colours.find((layer) => layer.on) || { key: "" }).key };
    chooseService(page, choice, page.services.length ? page.services[0].key : "");
    return choice;
  }

  function chooseService(page, choice, key) {
    const service = page.services.find((one) => one.key === key) || {};
    choice.service = key;
    const limits = options(page, "within_min", key);
    const wanted = service.within_min;
    const nearest = (a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a);
    choice.limit = limits.length ? limits.reduce(nearest) : wanted;
    const groups = options(page, "group", key);
    choice.group = groups.includes(service.group) ? service.group : groups[0] || "";
    const walkers = options(page, "walker", key);
    choice.walker = walkers.includes(service.walker) ? service.walker : walkers[0] || "";
  }

  function lay(page, map) {
    const box = map.getContainer();
    const stage = make("div", { class: "cp-stage" });
    stage.style.fontFamily = page.fonts;
    box.parentNode.insertBefore(stage, box);
    page.stage = stage;
    page.maps = make("main", { class: "cp-maps", "aria-label": page.title });
    page.panel = make("section", { class: "cp-panel", "aria-label": page.word("map.panel") });
    stage.append(page.panel, page.maps);
    page.maps.append(box);
    setUpMap(page, page.views[0], map, box);
    if (page.views.length > 1) cp.compare(page, map, (other) => setUpMap(page, page.views[1], other, other.getContainer()));
    buildPanel(page);
    map.invalidateSize({ animate: false });
    fit(page);
    redraw(page);
    watchPrint(page);
  }

  function setUpMap(page, view, map, box) {
    view.map = map;
    box.style.background = page.theme.colours.ground;
    box.classList.add("cp-map");
    box.setAttribute("aria-label", view.label || page.title);
    map.attributionControl.setPrefix(false);
    map.attributionControl.addAttribution(page.attribution);
    if (map.zoomControl) map.zoomControl.setPosition("topright");
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    view.canvas = cp.makeCanvas(view);
    if (map._loaded === undefined || !map._loaded) map.setView([0, 0], 2);
    map.options.maxZoom = map.options.maxZoom || 20;
    view.canvas.addTo(map);
    map.on("click", (event) => openAt(page, view, event.latlng));
    map.on("mousemove", (event) => hover(view, event));
  }

  function fit(page) {
    const bounds = L.latLngBounds([]);
    const order = ["communities", "homes", "areas", "idle_buildings", "facilities"];
    const layers = allLayers(page);
    const chosen = layers.filter((layer) => order.includes(layer.key) && layer.key !== "areas");
    for (const layer of chosen.length ? chosen : layers) {
      for (let row = 0; row < layer.s.count; row++) if (cp.hasPlace(layer.s, row)) bounds.extend(cp.bounds(layer.s, row));
    }
    if (bounds.isValid()) page.views[0].map.fitBounds(bounds, { padding: [24, 24], animate: false, maxZoom: 18 });
  }

  function redraw(page) {
    page.views.forEach((view) => view.canvas._ctx && view.canvas.draw());
    page.refresh.forEach((part) => part());
  }

  function hover(view, event) {
    if (view.waiting) return;
    view.waiting = requestAnimationFrame(() => {
      view.waiting = 0;
      const found = cp.under(view, event.latlng).find((one) => one.layer.paint !== "bands");
      view.map.getContainer().style.cursor = found ? "pointer" : "";
    });
  }

  // ---- popups

  function openAt(page, view, latLng) {
    const found = cp.under(view, latLng).filter((one) => tells(one));
    if (found.length) openPopup(page, view, latLng, found, 0);
  }

  const tells = ({ layer, variant, row }) =>
    Boolean(layer.names[row]) || layer.facts.length > 0 || (variant.facts || []).length > 0;

  function openPopup(page, view, latLng, found, at) {
    const popup = L.popup({ maxWidth: 320, minWidth: 220, className: "cp-popup", autoPanPadding: [12, 12] });
    popup.setLatLng(latLng).setContent(popupText(page, view, latLng, found, at)).openOn(view.map);
    // the popup's own cross is a link without words
    const cross = popup.getElement().querySelector(".leaflet-popup-close-button");
    if (cross) cross.setAttribute("aria-label", page.word("map.close"));
  }

  function popupText(page, view, latLng, found, at) {
    const { layer, variant, row } = found[at];
    const rows = [...(variant.facts || []), ...layer.facts].map((fact) => factRow(page, fact, row));
    const choice = variant.service && layer.section === "colour" ? choiceText(page, variant) : "";
    const others = found.map((one, place) => [one, place]).filter(([, place]) => place !== at);
    return make(
      "div",
      { class: "cp-told" },
      make("p", { class: "cp-kind" }, layer.single || layer.name),
      make("h2", {}, layer.names[row] || page.word("map.name_missing")),
      choice ? make("p", { class: "cp-choice" }, choice) : null,
      make("table", {}, make("tbody", {}, ...rows)),
      others.length ? alsoHere(page, view, latLng, found, others.slice(0, 4)) : null,
    );
  }

  function choiceText(page, variant) {
    const parts = [page.names.service[variant.service], page.names.group[variant.group]];
    if (variant.within_min) parts.push(page.word("ledger.within", { minutes: variant.within_min }));
    return parts.filter(Boolean).join(" · ");
  }

  function factRow(page, fact, row) {
    const value = fact.values[row];
    if (value === null || value === undefined || value === "") return null;
    const said = cp.number(value, fact.digits, page.lang);
    const unit = typeof value === "number" && fact.unit ? " " + fact.unit : "";
    return make("tr", {}, make("th", { scope: "row" }, fact.label), make("td", {}, said + unit));
  }

  function alsoHere(page, view, latLng, found, others) {
    const buttons = others.map(([one, place]) =>
      make(
        "button",
        { type: "button", onclick: () => openPopup(page, view, latLng, found, place) },
        (one.layer.single || one.layer.name) + (one.layer.names[one.row] ? " · " + one.layer.names[one.row] : ""),
      ),
    );
    return make("div", { class: "cp-also" }, make("p", {}, page.word("map.also_here")), ...buttons);
  }

  // ---- the panel

  function buildPanel(page) {
    page.refresh = [];
    const body = make("div", { class: "cp-body", id: page.id + "_body" });
    const marks = page.marks.map((mark) => make("p", { class: "cp-mark" }, mark));
    page.panel.append(head(page, body), body);
    const both = page.modes ? [page.modes()] : [];
    body.append(...marks, ...both, ...[search(page)].filter(Boolean), choices(page), figures(page), layersOf(page), legend(page), about(page));
  }

  function head(page, body) {
    const small = window.matchMedia("(max-width: 640px)").matches;
    const button = make("button", { type: "button", class: "cp-fold", "aria-controls": body.id });
    const set = (open) => {
      page.stage.classList.toggle("cp-folded", !open);
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-label", page.word(open ? "map.close_panel" : "map.open_panel"));
      button.title = page.word(open ? "map.close_panel" : "map.open_panel");
      page.views.forEach((view) => view.map && view.map.invalidateSize({ animate: false }));
    };
    button.addEventListener("click", () => set(page.stage.classList.contains("cp-folded")));
    const print = make("button", { type: "button", class: "cp-print", onclick: () => window.print() }, page.word("map.print"));
    const whole = make("button", { type: "button", class: "cp-whole", onclick: () => fit(page) }, page.word("map.whole_area"));
    const title = make("div", { class: "cp-title" }, make("h1", {}, page.title), make("div", { class: "cp-tools" }, whole, print));
    set(!small);
    return make("header", { class: "cp-head" }, title, button);
  }

  function choices(page) {
    const box = make("div", { class: "cp-choices" });
    const draw = () => {
      box.replaceChildren(
        ...[
          selector(page, "service", page.services.map((one) => one.key), (key) => chooseService(page, page.choice, key)),
          selector(page, "group", options(page, "group", page.choice.service)),
          selector(page, "walker", options(page, "walker", page.choice.service)),
          limits(page),
        ].filter(Boolean),
      );
    };
    draw();
    page.again = draw;
    return box;
  }

  function selector(page, name, keys, chosen) {
    if (keys.length < 2) return null;
    const set = (event) => {
      if (chosen) chosen(event.target.value);
      else page.choice[name] = event.target.value;
      page.again();
      page.stage.querySelector(`select[name=${name}]`).focus();
      redraw(page);
    };
    const entries = keys.map((key) => {
      const entry = make("option", { value: key }, page.names[name][key] || key);
      entry.selected = key === page.choice[name];
      return entry;
    });
    const select = make("select", { name, onchange: set }, ...entries);
    return make("label", { class: "cp-select" }, make("span", {}, page.word("map." + name)), select);
  }

  function limits(page) {
    const known = options(page, "within_min", page.choice.service);
    if (!known.length) return null;
    const service = page.services.find((one) => one.key === page.choice.service) || {};
    const set = (event) => {
      page.choice.limit = Number(event.target.value);
      redraw(page);
    };
    const entries = known.map((limit) => {
      const input = make("input", { type: "radio", name: page.id + "_limit", value: limit, onchange: set });
      input.checked = limit === page.choice.limit;
      const star = limit === service.within_min ? " ★" : "";
      return make("label", {}, input, make("span", {}, `${limit} ${page.word("unit.minutes")}${star}`));
    });
    const notes = known.includes(service.within_min) ? [make("p", { class: "cp-note" }, "★ " + page.word("map.own_limit"))] : [];
    if (service.note && !service.verified) {
      notes.push(make("p", { class: "cp-note cp-warn", title: service.note }, "⚠ " + page.word("map.unverified")));
    }
    return make("fieldset", { class: "cp-limits" }, make("legend", {}, page.word("map.limit")), make("div", { class: "cp-row" }, ...entries), ...notes);
  }

  /** The ledger for what is chosen: everybody is covered, beyond the limit, or unreachable. */
  function figures(page) {
    const box = make("div", { class: "cp-figures", "aria-live": "polite" });
    page.refresh.push(() => {
      const parts = page.views.map((view) => ledgerOf(page, view)).filter(Boolean);
      box.replaceChildren(...parts);
      box.hidden = !parts.length;
    });
    return box;
  }

  function ledgerOf(page, view) {
    const { choice } = page;
    const fits = (one) => one.service === choice.service && one.group === choice.group && one.within_min === choice.limit;
    const row = view.ledger.find(fits);
    if (!row) return null;
    const count = (name) => cp.number(row[name], 0, page.lang);
    const share = row.people ? Math.round((100 * row.covered) / row.people) : 0;
    const said = page.word("ledger.sentence", {
      people: count("people"),
      covered: count("covered"),
      minutes: row.within_min,
      group: page.names.group[row.group] || row.group,
    });
    const kinds = ["covered", "beyond", "unreachable"];
    const bar = make("div", { class: "cp-bar", "aria-hidden": "true" });
    for (const kind of kinds) {
      const piece = make("span", { class: "cp-" + kind });
      piece.style.flexGrow = row[kind];
      if (row[kind] > 0) bar.append(piece);
    }
    const entries = kinds.map((kind) =>
      make("li", {}, make("i", { class: "cp-dot cp-" + kind, "aria-hidden": "true" }), make("span", {}, page.word("ledger." + kind)), make("b", {}, count(kind))),
    );
    return make(
      "div",
      { class: "cp-ledger" },
      view.label ? make("h3", {}, view.label) : null,
      make("p", {}, make("strong", {}, row.people ? `${share} %` : "–"), " ", said),
      bar,
      make("ul", {}, ...entries),
    );
  }

  function layersOf(page) {
    const layers = allLayers(page);
    const box = make("div", { class: "cp-layers" });
    const colours = layers.filter((layer) => layer.section === "colour").sort((a, b) => a.place - b.place);
    if (colours.length) box.append(radioList(page, colours));
    for (const section of ["show", "ground"]) {
      const some = layers.filter((layer) => layer.section === section).sort((a, b) => b.order - a.order);
      if (some.length) box.append(checkList(page, section, some));
    }
    return box;
  }

  function radioList(page, layers) {
    const set = (event) => {
      page.choice.colour = event.target.value;
      redraw(page);
    };
    const all = [...layers, { key: "", name: page.word("map.nothing"), s: { count: 1 } }];
    const entries = all.map((layer) => {
      const input = make("input", { type: "radio", name: page.id + "_colour", value: layer.key, onchange: set, disabled: !layer.s.count });
      input.checked = layer.key === page.choice.colour;
      return make("label", {}, input, make("span", {}, nameOf(page, layer)));
    });
    return make("fieldset", {}, make("legend", {}, page.word("map.colour_by")), ...entries);
  }

  function checkList(page, section, layers) {
    const set = (event) => {
      page.choice.on[event.target.value] = event.target.checked;
      redraw(page);
    };
    const entries = layers.map((layer) => {
      const input = make("input", { type: "checkbox", value: layer.key, onchange: set, disabled: !layer.s.count });
      page.refresh.push(() => (input.checked = page.choice.on[layer.key]));
      return make("label", {}, input, make("span", {}, nameOf(page, layer)));
    });
    return make("fieldset", {}, make("legend", {}, page.word("map." + section)), ...entries);
  }

  const nameOf = (page, layer) => layer.name + (layer.s.count ? "" : " " + page.word("map.empty_layer"));

  // ---- legend: only what shows, with its unit

  function legend(page) {
    const list = make("div", { class: "cp-legend" });
    page.refresh.push(() => {
      const { choice } = page;
      const shown = allLayers(page).filter((layer) => layer.s.count && (layer.section === "colour" ? choice.colour === layer.key : choice.on[layer.key]));
      const groups = shown.reverse().sort((a, b) => (a.section !== "colour") - (b.section !== "colour")).map((layer) => legendOf(page, layer));
      list.replaceChildren(...groups.flat().filter(Boolean));
    });
    return make("div", { class: "cp-legend-box" }, make("h2", {}, page.word("map.legend")), list);
  }

  function legendOf(page, layer) {
    const variant = cp.variant(layer, page.choice);
    if (!variant) return [entry(null, `${layer.name}: ${page.word("map.no_data")}`)];
    const steps = (variant.labels || []).map((label, place) => entry(swatch(page, layer, variant.colours[place]), label));
    const bands = (variant.bands || []).map((band) => entry(swatch(page, layer, band.colour), band.label)).reverse();
    const missing = variant.missing && variant.values.includes(null) ? [entry(swatch(page, layer, variant.missing.colour), variant.missing.label)] : [];
    const marks = layer.legend.map((one) => entry(markOf(page, layer, one), one.label));
    const heading = steps.length || bands.length ? [make("h3", {}, legendTitle(page, layer, variant))] : [];
    return [...heading, ...bands, ...steps, ...missing, ...marks];
  }

  const legendTitle = (page, layer, variant) =>
    layer.section === "colour" && variant.service ? `${layer.name} · ${choiceText(page, variant)}` : layer.name;

  const entry = (mark, label) => make("div", { class: "cp-entry" }, mark, make("span", {}, label));

  function swatch(page, layer, colour) {
    const line = layer.paint === "line";
    const node = make("i", { class: line ? "cp-swatch cp-line" : "cp-swatch", "aria-hidden": "true" });
    const alpha = line ? 1 : layer.style.alpha || 1;
    node.style.background = `linear-gradient(${fade(colour, alpha)}, ${fade(colour, alpha)}), ${page.theme.colours.ground}`;
    return node;
  }

  function fade(colour, alpha) {
    const part = (at) => parseInt(colour.slice(at, at + 2), 16);
    return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${alpha})`;
  }

  function markOf(page, layer, one) {
    const canvas = make("canvas", { class: "cp-swatch cp-canvas", width: 52, height: 40, "aria-hidden": "true" });
    const ctx = canvas.getContext("2d");
    ctx.scale(2, 2);
    if (one.mark === "bubble") {
      const r = Math.min(9, cp.bubbleRadius(layer, one.size, page.views[0].map.getZoom()));
      cp.mark(ctx, "circle", 13, 10, r, one.colour, "");
    } else if (["line", "wall", "outline"].includes(one.mark)) strokeMark(ctx, one);
    else cp.mark(ctx, one.mark, 13, 10, 7, one.colour, one.text || "");
    return canvas;
  }

  function strokeMark(ctx, one) {
    const lines = one.casing ? [[one.casing, 5.5], [one.colour, 4]] : [[one.colour, 2.4]];
    for (const [colour, width] of lines) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.beginPath();
      ctx.moveTo(2, 10);
      ctx.lineTo(24, 10);
      if (one.mark === "wall") for (let x = 5; x < 24; x += 6) ctx.moveTo(x, 10) || ctx.lineTo(x, 14);
      ctx.stroke();
    }
  }

  function about(page) {
    const services = page.services.filter((one) => one.note).map((one) => make("li", {}, `${page.names.service[one.key]}: ${one.note}`));
    const notes = [...page.notes, page.word("map.north")].map((note) => make("li", {}, note));
    const summary = make("summary", {}, page.word("map.about"));
    return make("details", { class: "cp-about" }, summary, make("ul", {}, ...notes, ...services), make("p", {}, page.attribution_text));
  }

  // ---- search

  function search(page) {
    const index = searchIndex(page);
    if (!index.length) return null;
    const id = page.id + "_search";
    const results = make("ul", { class: "cp-results", id: id + "_results", role: "listbox", "aria-label": page.word("map.search"), hidden: true });
    const input = make("input", {
      type: "search", id, role: "combobox", autocomplete: "off", placeholder: page.word("map.search"),
      "aria-label": page.word("map.search"), "aria-expanded": "false", "aria-controls": results.id, "aria-autocomplete": "list",
    });
    const state = { found: [], at: -1 };
    const close = () => {
      results.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const go = (one) => {
      close();
      input.value = one.name;
      visit(page, one);
    };
    const list = () => {
      state.found = lookUp(index, input.value);
      state.at = state.found.length ? 0 : -1;
      showResults(page, results, state, go);
      results.hidden = !input.value.trim();
      input.setAttribute("aria-expanded", String(!results.hidden));
      mark(input, results, state);
    };
    input.addEventListener("input", list);
    input.addEventListener("blur", () => setTimeout(close, 200));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && state.found[state.at]) go(state.found[state.at]);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !state.found.length) return;
      event.preventDefault();
      state.at = (state.at + step + state.found.length) % state.found.length;
      mark(input, results, state);
    });
    return make("div", { class: "cp-search" }, input, results);
  }

  function searchIndex(page) {
    const view = page.views[page.views.length - 1];
    const entries = [];
    for (const layer of view.layers) {
      if (layer.silent) continue;
      layer.other_names.forEach((words, row) => {
        if (words && cp.hasPlace(layer.s, row)) entries.push({ layer, row, view, name: layer.names[row], text: words.toLowerCase() });
      });
    }
    return entries;
  }

  function lookUp(index, asked) {
    const text = asked.trim().toLowerCase();
    if (!text) return [];
    const found = index.filter((one) => one.text.includes(text));
    const first = (one) => (one.name.toLowerCase().startsWith(text) ? 0 : 1);
    return found.sort((a, b) => first(a) - first(b) || a.name.length - b.name.length).slice(0, 8);
  }

  function showResults(page, results, state, go) {
    const entries = state.found.map((one, place) =>
      make(
        "li",
        { role: "option", id: `${results.id}_${place}`, "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => go(one) },
        make("b", {}, one.name),
        make("span", {}, one.layer.single || one.layer.name),
      ),
    );
    const none = make("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, page.word("map.search_none"));
    results.replaceChildren(...(entries.length ? entries : [none]));
  }

  function mark(input, results, state) {
    [...results.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === state.at)));
    if (state.at >= 0) input.setAttribute("aria-activedescendant", `${results.id}_${state.at}`);
  }

  /** Goes to what was found, with its layer shown, and opens its popup. */
  function visit(page, { layer, row, view }) {
    const holds = (one) => !one.rows || one.rows.includes(row);
    const variant = cp.variant(layer, page.choice);
    if (layer.variants.length && !(variant && holds(variant))) {
      const other = layer.variants.find((one) => one.service && holds(one));
      if (other) chooseService(page, page.choice, other.service);
      page.again();
    }
    if (layer.section !== "colour") page.choice.on[layer.key] = true;
    redraw(page);
    const [x, y] = cp.middle(layer.s, row);
    const place = cp.latLng(x, y);
    view.map.fitBounds(cp.bounds(layer.s, row), { maxZoom: 17, animate: false, padding: [60, 60] });
    openPopup(page, view, place, [{ layer, row, variant: cp.variant(layer, page.choice) || {} }], 0);
  }

  // ---- print

  function watchPrint(page) {
    const again = () => page.views.forEach((view) => view.map.invalidateSize({ animate: false, pan: true }));
    const before = () => {
      page.stage.classList.add("cp-printing");
      again();
    };
    const after = () => {
      page.stage.classList.remove("cp-printing");
      again();
    };
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
  }
})();
