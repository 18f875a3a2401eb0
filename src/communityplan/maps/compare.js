/* Two maps in step: the second lies on the first behind a line that moves, or beside it. */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});
  const STEP = 4; // percent by one press of an arrow key

  /** The second map of a page, in step with the first. */
  cp.compare = function (page, first) {
    const box = cp.make("div", { class: "cp-map cp-over", id: page.id + "_after" });
    page.maps.append(box);
    const second = L.map(box, { center: [0, 0], zoom: 2, zoomSnap: 0.25 });
    // the second map lies on top, and so its buttons do
    first.zoomControl.remove();
    keepInStep(page, first, second);
    page.maps.append(side(page, 0, "before"), side(page, 1, "after"), line(page, box));
    return second;
  };

  const side = (page, at, name) =>
    cp.make("div", { class: `cp-side cp-side-${name}` }, page.views[at].label);

  function keepInStep(page, first, second) {
    let busy = false;
    const follow = (from, to) => () => {
      if (busy || page.resizing) return;
      busy = true;
      to.setView(from.getCenter(), from.getZoom(), { animate: false });
      busy = false;
    };
    // each jump is made at once: two animations would drift apart
    for (const map of [first, second]) map._zoomAnimated = false;
    for (const [from, to] of [[first, second], [second, first]]) {
      from.on("move", slide(from, to, () => busy || page.resizing, (value) => (busy = value)));
      from.on("moveend zoomend", follow(from, to));
    }
  }

  /** While a map is dragged the other is only shifted; it is drawn again at the end. */
  function slide(from, to, isBusy, setBusy) {
    return () => {
      if (isBusy() || from.getZoom() !== to.getZoom()) return;
      setBusy(true);
      const apart = to.project(from.getCenter()).subtract(to.project(to.getCenter())).round();
      if (apart.x || apart.y) to._rawPanBy(apart);
      setBusy(false);
    };
  }

  /** The line between both: a slider that mouse, finger and arrow keys move. */
  function line(page, box) {
    const handle = cp.make("div", {
      class: "cp-swipe", role: "slider", tabindex: "0", "aria-label": page.word("map.swipe_handle"),
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-orientation": "horizontal",
    });
    const set = (percent) => {
      const at = Math.min(100, Math.max(0, percent));
      handle.style.left = at + "%";
      handle.setAttribute("aria-valuenow", String(Math.round(at)));
      box.style.clipPath = `inset(0 0 0 ${at}%)`;
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      handle.focus();
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const whole = page.maps.getBoundingClientRect();
      set((100 * (event.clientX - whole.left)) / whole.width);
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -100, End: 100 }[event.key];
      if (!step) return;
      event.preventDefault();
      set(Number(handle.getAttribute("aria-valuenow")) + step);
    });
    set(50);
    return handle;
  }

  cp.compareModes = function (page) {
    const set = (event) => {
      page.stage.classList.toggle("cp-beside", event.target.value === "side_by_side");
      cp.resize(page);
      cp.fit(page);
    };
    const entries = ["swipe", "side_by_side"].map((mode) => {
      const input = cp.make("input", { type: "radio", name: page.id + "_mode", value: mode, onchange: set });
      input.checked = mode === "swipe";
      return cp.make("label", {}, input, cp.make("span", {}, page.word("map." + mode)));
    });
    return cp.make("fieldset", { class: "cp-limits cp-modes" }, cp.make("div", { class: "cp-row" }, ...entries));
  };
})();
