/* What a click and the search tell. What a table brought is put on the page as text, never as HTML. */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});
  const { make } = cp;
  const MOST_FOUND = 8;

  // ---- popups

  cp.tellAt = function (page, view, latLng) {
    const tells = ({ layer, variant, row }) => layer.names[row] || layer.facts.length || (variant.facts || []).length;
    const found = cp.under(view, latLng).filter(tells);
    if (found.length) open(page, view, latLng, found, 0);
  };

  function open(page, view, latLng, found, at) {
    const popup = L.popup({
      className: "cp-popup",
      minWidth: 220,
      maxWidth: Math.min(320, view.map.getSize().x - 110),
      // clear of the buttons at the right
      autoPanPaddingTopLeft: [12, 12],
      autoPanPaddingBottomRight: [56, 12],
    });
    popup.setLatLng(latLng).setContent(told(page, view, latLng, found, at)).openOn(view.map);
    const cross = popup.getElement().querySelector(".leaflet-popup-close-button");
    cross.setAttribute("aria-label", page.word("map.close"));
  }

  function told(page, view, latLng, found, at) {
    const { layer, variant, row } = found[at];
    const facts = [...(variant.facts || []), ...layer.facts].map((fact) => factRow(page, fact, variant, row));
    const others = found.map((one, place) => ({ one, place })).filter(({ place }) => place !== at);
    return make(
      "div",
      { class: "cp-told" },
      make("p", { class: "cp-kind" }, layer.single),
      make("h2", {}, layer.names[row] || page.word("map.name_missing")),
      variant.service ? make("p", { class: "cp-choice" }, choiceText(page, variant)) : null,
      make("table", {}, make("tbody", {}, ...facts)),
      others.length ? alsoHere(page, view, latLng, found, others.slice(0, 4)) : null,
    );
  }

  function choiceText(page, variant) {
    const parts = [page.names.service[variant.service], page.names.group[variant.group]];
    if (variant.within_min) parts.push(page.word("ledger.within", { minutes: variant.within_min }));
    return parts.filter(Boolean).join(" · ");
  }

  /** A cell of a column, which may be a list of words and their numbers. */
  const cell = (column, row) => (column.words ? column.words[column.numbers[row]] : column[row]);

  function factRow(page, fact, variant, row) {
    const value = cell(fact.values || variant.values, row) ?? fact.lacking;
    if (value === null || value === undefined || value === "") return null;
    const unit = typeof value === "number" && fact.unit ? " " + fact.unit : "";
    const said = cp.number(value, fact.digits, page.lang) + unit;
    // a sentence stands below its heading
    if (said.length > (page.lang === "zh" ? 16 : 30)) {
      return make("tr", {}, make("td", { class: "cp-long", colspan: 2 }, make("span", {}, fact.label), said));
    }
    return make("tr", {}, make("th", { scope: "row" }, fact.label), make("td", {}, said));
  }

  function alsoHere(page, view, latLng, found, others) {
    const buttons = others.map(({ one, place }) => {
      const name = [one.layer.single, one.layer.names[one.row]].filter(Boolean).join(" · ");
      const onclick = () => open(page, view, latLng, found, place);
      return make("button", { type: "button", onclick }, name);
    });
    return make("div", { class: "cp-also" }, make("p", {}, page.word("map.also_here")), ...buttons);
  }

  // ---- search by name or key

  cp.search = function (page) {
    const index = indexOf(page);
    if (!index.length) return null;
    const said = page.word("map.search");
    const id = page.id + "_search";
    const results = make("ul", { class: "cp-results", id: id + "_results", role: "listbox", "aria-label": said, hidden: true });
    const input = make("input", {
      type: "search", id, role: "combobox", autocomplete: "off", placeholder: said, "aria-label": said,
      "aria-expanded": "false", "aria-controls": results.id, "aria-autocomplete": "list",
    });
    listen(page, index, input, results);
    return make("div", { class: "cp-search" }, input, results);
  };

  function listen(page, index, input, results) {
    let found = [];
    let at = -1;
    const mark = () => {
      [...results.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === at)));
      if (at >= 0) input.setAttribute("aria-activedescendant", `${results.id}_${at}`);
      else input.removeAttribute("aria-activedescendant");
    };
    const show = (yes) => {
      results.hidden = !yes;
      input.setAttribute("aria-expanded", String(yes));
      if (!yes) at = -1;
      mark();
    };
    const go = (one) => {
      show(false);
      input.value = one.name;
      visit(page, one);
    };
    input.addEventListener("input", () => {
      found = lookUp(index, input.value);
      at = found.length ? 0 : -1;
      results.replaceChildren(...entries(page, results.id, found, go));
      show(Boolean(input.value.trim()));
    });
    input.addEventListener("blur", () => show(false));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show(false);
      if (event.key === "Enter" && found[at]) go(found[at]);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !found.length) return;
      event.preventDefault();
      at = (at + step + found.length) % found.length;
      mark();
    });
  }

  function indexOf(page) {
    const view = page.views[page.views.length - 1];
    const entriesOf = (layer) =>
      layer.names.map((name, row) => ({ layer, row, view, name, text: textOf(layer, row) }));
    // circles stand on homes, which are found themselves
    const known = view.layers.filter((layer) => !layer.silent && layer.paint !== "bubble").flatMap(entriesOf);
    return known.filter((one) => one.text && cp.hasPlace(one.layer.s, one.row));
  }

  const textOf = (layer, row) => `${layer.names[row]} ${layer.other_names[row] || ""}`.trim().toLowerCase();

  function lookUp(index, asked) {
    const text = asked.trim().toLowerCase();
    if (!text) return [];
    const later = (one) => (one.name.toLowerCase().startsWith(text) ? 0 : 1);
    const found = index.filter((one) => one.text.includes(text));
    return found.sort((a, b) => later(a) - later(b) || a.name.length - b.name.length).slice(0, MOST_FOUND);
  }

  function entries(page, id, found, go) {
    const none = make("li", { role: "option", "aria-disabled": "true" }, page.word("map.search_none"));
    const entry = (one, place) =>
      make(
        "li",
        // the press must not take the focus away before the click
        { role: "option", id: `${id}_${place}`, onmousedown: (event) => event.preventDefault(), onclick: () => go(one) },
        make("b", {}, one.name),
        make("span", {}, one.layer.single),
      );
    return found.length ? found.map(entry) : [none];
  }

  /** Goes to what was found, with its layer shown, and opens its popup. */
  function visit(page, { layer, row, view }) {
    const holds = (one) => one && (!one.rows || one.rows.includes(row));
    if (layer.variants.length && !holds(cp.variant(layer, page.choice))) {
      const other = layer.variants.find((one) => one.service && holds(one));
      if (other) cp.chooseService(page, page.choice, other.service);
      page.again();
    }
    if (layer.section !== "colour") page.choice.on[layer.key] = true;
    cp.redraw(page);
    view.map.fitBounds(cp.bounds(layer.s, row), { maxZoom: 17, animate: false, padding: [60, 60] });
    const variant = cp.variant(layer, page.choice) || {};
    open(page, view, cp.latLng(...cp.middle(layer.s, row)), [{ layer, row, variant }], 0);
  }
})();
