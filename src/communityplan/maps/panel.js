/* The panel beside the map: choices, figures, layers with their legend, notes. */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});
  const { make } = cp;
  const MANY = 14; // layers from which on a panel offers to search them

  cp.buildPanel = function (page) {
    const body = make("div", { class: "cp-body", id: page.id + "_body" });
    page.maps.append(...page.marks.map((mark) => make("p", { class: "cp-mark" }, mark)));
    const modes = page.views.length > 1 ? cp.compareModes(page) : null;
    page.panel.append(head(page, body), body);
    const parts = [modes, cp.search(page), choices(page), figures(page), layers(page), about(page)];
    body.append(...parts.filter(Boolean));
  };

  function head(page, body) {
    const button = (name, onclick) => make("button", { type: "button", onclick }, page.word(name));
    const tools = [button("map.whole_area", () => cp.fit(page)), button("map.print", () => window.print())];
    const title = make("div", { class: "cp-title" }, make("h1", {}, page.title), brief(page), make("div", { class: "cp-tools" }, ...tools));
    return make("header", { class: "cp-head" }, title, fold(page, body));
  }

  /** What the map shows in one line, for when the panel is folded. */
  function brief(page) {
    const line = make("p", { class: "cp-brief" });
    page.refresh.push(() => {
      const { service, limit } = page.choice;
      const parts = [page.names.service[service], service && limit ? page.word("ledger.within", { minutes: limit }) : ""];
      line.textContent = [...parts, ...page.views.map((view) => shareOf(page, view))].filter(Boolean).join(" · ");
    });
    return line;
  }

  function fold(page, body) {
    const button = make("button", { type: "button", class: "cp-fold", "aria-controls": body.id });
    const set = (open) => {
      const said = page.word(open ? "map.close_panel" : "map.open_panel");
      page.stage.classList.toggle("cp-folded", !open);
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-label", said);
      button.title = said;
      cp.resize(page);
    };
    button.addEventListener("click", () => set(page.stage.classList.contains("cp-folded")));
    set(!window.matchMedia("(max-width: 640px)").matches);
    return button;
  }

  // ---- service, group, walker, limit

  function choices(page) {
    const box = make("div", { class: "cp-choices" });
    page.again = () => {
      const { service } = page.choice;
      const keys = page.services.map((one) => one.key);
      const parts = [
        selector(page, "service", keys, (key) => cp.chooseService(page, page.choice, key)),
        selector(page, "group", cp.options(page, "group", service)),
        selector(page, "walker", cp.options(page, "walker", service)),
        limits(page),
      ];
      box.replaceChildren(...parts.filter(Boolean));
    };
    page.again();
    return box;
  }

  function selector(page, name, keys, choose) {
    if (!keys.length || (keys.length === 1 && name !== "service")) return null;
    const called = (key) => page.names[name][key] || key;
    const heading = make("span", {}, page.word("map." + name));
    if (keys.length === 1) return make("p", { class: "cp-select" }, heading, make("b", {}, called(keys[0])));
    const set = (event) => {
      if (choose) choose(event.target.value);
      else page.choice[name] = event.target.value;
      page.again();
      page.panel.querySelector(`select[name=${name}]`).focus();
      cp.redraw(page);
    };
    const entries = keys.map((key) => make("option", { value: key, selected: key === page.choice[name] }, called(key)));
    return make("label", { class: "cp-select" }, heading, make("select", { name, onchange: set }, ...entries));
  }

  function limits(page) {
    const known = cp.options(page, "within_min", page.choice.service);
    if (!known.length) return null;
    const service = cp.service(page, page.choice.service);
    const set = (event) => {
      page.choice.limit = Number(event.target.value);
      cp.redraw(page);
    };
    const entries = known.map((limit) => {
      const own = limit === service.within_min ? " ★" : "";
      const input = make("input", { type: "radio", name: page.id + "_limit", value: limit, onchange: set });
      input.checked = limit === page.choice.limit;
      return make("label", {}, input, make("span", {}, `${limit} ${page.word("unit.minutes")}${own}`));
    });
    const note = (text, more) => make("p", { class: "cp-note " + more }, text);
    const notes = [
      known.includes(service.within_min) ? note("★ " + page.word("map.own_limit"), "") : null,
      service.verified === false ? note("⚠ " + page.word("map.unverified"), "cp-warn") : null,
    ];
    const row = make("div", { class: "cp-row" }, ...entries);
    return make("fieldset", { class: "cp-limits" }, make("legend", {}, page.word("map.limit")), row, ...notes);
  }

  // ---- the ledger for what is chosen: everybody is covered, beyond the limit, or unreachable

  function figures(page) {
    const box = make("div", { class: "cp-figures", "aria-live": "polite" });
    page.refresh.push(() => {
      const parts = page.views.map((view) => ledger(page, view)).filter(Boolean);
      box.replaceChildren(...parts);
      box.hidden = !parts.length;
    });
    return box;
  }

  function rowOf(page, view) {
    const { service, group, limit } = page.choice;
    return view.ledger.find((one) => one.service === service && one.group === group && one.within_min === limit);
  }

  function shareOf(page, view) {
    const row = rowOf(page, view);
    if (!row || !row.people) return "";
    const share = (100 * row.covered) / row.people;
    // nobody and everybody are said only where it is so
    if (share > 0 && share < 1) return "< 1 %";
    return share > 99 && share < 100 ? "> 99 %" : `${Math.round(share)} %`;
  }

  function ledger(page, view) {
    const row = rowOf(page, view);
    if (!row) return null;
    const { group, limit } = page.choice;
    const count = (name) => cp.number(row[name], 0, page.lang);
    const values = { people: count("people"), covered: count("covered"), minutes: limit, group: page.names.group[group] || group };
    const kinds = ["covered", "beyond", "unreachable"];
    const stairs = row.covered_but_for_stairs > 0 ? make("li", { class: "cp-of" }, make("span", {}, page.word("ledger.covered_but_for_stairs")), make("b", {}, count("covered_but_for_stairs"))) : null;
    const entry = (kind) =>
      make("li", {}, make("i", { class: "cp-dot cp-" + kind, "aria-hidden": "true" }), make("span", {}, page.word("ledger." + kind)), make("b", {}, count(kind)));
    const said = make("p", {}, make("strong", {}, shareOf(page, view) || "–"), " ", page.word("ledger.sentence", values));
    const heading = view.label ? make("h2", {}, view.label) : null;
    return make("div", { class: "cp-ledger" }, heading, said, bar(row, kinds), make("ul", {}, entry(kinds[0]), entry(kinds[1]), stairs, entry(kinds[2])));
  }

  function bar(row, kinds) {
    const box = make("div", { class: "cp-bar", "aria-hidden": "true" });
    for (const kind of kinds.filter((name) => row[name] > 0)) {
      const piece = make("span", { class: "cp-" + kind });
      piece.style.flexGrow = row[kind];
      box.append(piece);
    }
    return box;
  }

  // ---- layers, each with its legend while it shows

  function layers(page) {
    const all = cp.layers(page);
    const colours = all.filter((layer) => layer.section === "colour").sort((a, b) => a.place - b.place);
    const box = make("div", { class: "cp-layers" });
    if (all.length > MANY) box.append(sieve(page, box));
    if (colours.length) box.append(section(page, "colour_by", colours.map((layer) => colouring(page, layer)), nothing(page)));
    for (const name of ["show", "ground"]) {
      const some = all.filter((layer) => layer.section === name).sort((a, b) => b.order - a.order);
      if (some.length) box.append(section(page, name, some.map((layer) => overlay(page, layer))));
    }
    return box;
  }

  /** With many layers: a field that leaves those with a word in their name, and a way to start anew. */
  function sieve(page, box) {
    const said = page.word("map.filter_layers");
    const input = make("input", { type: "search", autocomplete: "off", placeholder: said, "aria-label": said });
    input.addEventListener("input", () => {
      const text = input.value.trim().toLowerCase();
      box.querySelectorAll(".cp-item").forEach((one) => (one.hidden = !one.textContent.toLowerCase().includes(text)));
      box.querySelectorAll("fieldset").forEach((one) => (one.hidden = !one.querySelector(".cp-item:not([hidden])")));
    });
    const hide = () => {
      for (const key of Object.keys(page.choice.on)) page.choice.on[key] = false;
      cp.redraw(page);
    };
    const button = make("button", { type: "button", onclick: hide }, page.word("map.hide_all"));
    return make("div", { class: "cp-sieve" }, input, button);
  }

  const section = (page, name, entries, ...more) =>
    make("fieldset", {}, make("legend", {}, page.word("map." + name)), ...entries, ...more);

  function colouring(page, layer) {
    const set = () => {
      page.choice.colour = layer.key;
      cp.redraw(page);
    };
    return item(page, layer, { type: "radio", name: page.id + "_colour", value: layer.key, onchange: set }, () => page.choice.colour === layer.key);
  }

  const nothing = (page) => colouring(page, { key: "", name: page.word("map.nothing"), s: { count: 1 }, variants: [], legend: [], style: {} });

  function overlay(page, layer) {
    const set = (event) => {
      page.choice.on[layer.key] = event.target.checked;
      cp.redraw(page);
    };
    return item(page, layer, { type: "checkbox", value: layer.key, onchange: set }, () => page.choice.on[layer.key]);
  }

  function item(page, layer, attributes, isOn) {
    const input = make("input", { ...attributes, disabled: !layer.s.count });
    const mark = make("span", { class: "cp-at-side" });
    const name = layer.name + (layer.s.count ? "" : " " + page.word("map.empty_layer"));
    const legend = make("div", { class: "cp-legend" });
    const box = make("div", { class: "cp-item" }, make("label", {}, input, make("span", {}, name), mark), legend);
    page.refresh.push(() => {
      const entries = layer.s.count ? legendOf(page, layer) : [];
      input.checked = isOn();
      box.classList.toggle("cp-off", !isOn());
      // a single sign needs no words beside those of the layer
      mark.replaceChildren(...(entries.length === 1 && !entries[0].said ? [entries[0].mark] : []));
      legend.replaceChildren(...(isOn() && !mark.firstChild ? entries.map(entryNode) : []));
    });
    return box;
  }

  const entryNode = ({ mark, label }) => make("div", { class: "cp-entry" }, mark, make("span", {}, label));

  function legendOf(page, layer) {
    const variant = cp.variant(layer, page.choice);
    if (!variant) return [{ mark: null, label: page.word("map.no_data"), said: true }];
    if (cp.waits(layer, page.views[0].map.getZoom())) return [{ mark: null, label: page.word("map.zoom_in"), said: true }];
    const bands = (variant.bands || []).map((band) => ({ mark: swatch(page, layer, band.colour), label: band.label })).reverse();
    const steps = (variant.labels || []).map((label, place) => ({ mark: swatch(page, layer, variant.colours[place]), label }));
    const lacking = variant.missing && variant.values.includes(null);
    const missing = lacking ? [{ mark: swatch(page, layer, variant.missing.colour), label: variant.missing.label }] : [];
    const marks = layer.legend.map((one) => ({ mark: markOf(page, layer, one), label: one.label, said: Boolean(one.size) }));
    return [...bands, ...steps, ...missing, ...marks];
  }

  function swatch(page, layer, colour) {
    const line = layer.paint === "line";
    const node = make("i", { class: line ? "cp-swatch cp-line" : "cp-swatch", "aria-hidden": "true" });
    const shade = fade(colour, line ? 1 : layer.style.alpha || 1);
    node.style.background = `linear-gradient(${shade}, ${shade}), ${page.theme.colours.ground}`;
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
    const zoom = page.views[0].map.getZoom();
    if (one.mark === "bubble") cp.mark(ctx, "circle", 13, 10, Math.min(9, cp.bubbleRadius(layer, one.size, zoom)), one.colour, "");
    else if (["line", "wall", "outline"].includes(one.mark)) stroke(ctx, one);
    else cp.mark(ctx, one.mark.replace("_small", ""), 13, 10, sizes(one.mark), one.colour, one.text || "");
    return canvas;
  }

  const sizes = (mark) => (mark.endsWith("_small") ? 4 : mark.startsWith("gate") ? 5 : 7);

  function stroke(ctx, one) {
    for (const [colour, width] of one.casing ? [[one.casing, 6], [one.colour, 4]] : [[one.colour, 2.4]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.beginPath();
      ctx.moveTo(2, 10);
      ctx.lineTo(24, 10);
      for (let x = 5; x < 24 && one.mark === "wall"; x += 6) {
        ctx.moveTo(x, 10);
        ctx.lineTo(x, 14);
      }
      ctx.stroke();
    }
  }

  // ---- notes and sources

  function ofService(page, one) {
    const node = make("li", {}, `${page.names.service[one.key]}: ${one.note}`);
    // on paper only the service that the map shows
    page.refresh.push(() => node.classList.toggle("cp-other", one.key !== page.choice.service));
    return node;
  }

  function about(page) {
    const notes = [...page.notes, page.word("map.north")].map((note) => make("li", {}, note));
    const list = make("ul", {}, ...notes, ...page.services.filter((one) => one.note).map((one) => ofService(page, one)));
    return make("details", { class: "cp-about" }, make("summary", {}, page.word("map.about")), list, make("p", {}, page.attribution_text));
  }
})();
