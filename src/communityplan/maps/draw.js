/* Draws the layers of a page on one canvas per map, and tells what lies under a click.
 *
 * A page carries its shapes once, as differences of whole numbers; a layer names its shapes and
 * brings one variant per service, limit, group and walker. Nothing is computed here but colours by
 * class, places on the screen and which row a click meets.
 */
(function () {
  "use strict";
  const cp = (window.communityplan = window.communityplan || {});
  const WORLD = 256;
  const AT_ONCE = 400; // features in one path: more makes the browser's filling slow
  const FINE = 0.8; // pixels between two points of a line
  const SPECK = 2.2; // pixels: circles up to this radius are drawn as squares
  const MOST_MARKS = 300; // of one layer, that names keep clear of
  const DOT = 4; // pixels: radius up to which circles are drawn together, without a rim

  /** Shapes of a page as flat arrays of Mercator coordinates, with the box of every row. */
  cp.decode = function (packed) {
    const points = packed.xy.length / 2;
    const x = new Float64Array(points);
    const y = new Float64Array(points);
    let lon = 0;
    let lat = 0;
    for (let i = 0; i < points; i++) {
      lon += packed.xy[2 * i];
      lat += packed.xy[2 * i + 1];
      const sine = Math.sin((lat / 1e6) * (Math.PI / 180));
      x[i] = (lon / 1e6 / 360 + 0.5) * WORLD;
      y[i] = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
    }
    const shapes = {
      x,
      y,
      count: packed.parts.length,
      pieceStart: starts(packed.rings),
      rowStart: starts(packed.parts),
    };
    shapes.box = boxes(shapes);
    return shapes;
  };

  function starts(counts) {
    const first = new Int32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) first[i + 1] = first[i] + counts[i];
    return first;
  }

  function boxes(s) {
    const box = new Float64Array(4 * s.count);
    for (let row = 0; row < s.count; row++) {
      let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
      const end = s.pieceStart[s.rowStart[row + 1]];
      for (let i = s.pieceStart[s.rowStart[row]]; i < end; i++) {
        if (s.x[i] < left) left = s.x[i];
        if (s.x[i] > right) right = s.x[i];
        if (s.y[i] < top) top = s.y[i];
        if (s.y[i] > bottom) bottom = s.y[i];
      }
      box.set([left, top, right, bottom], 4 * row);
    }
    return box;
  }

  cp.hasPlace = (s, row) => s.rowStart[row + 1] > s.rowStart[row];

  cp.middle = function (s, row) {
    const b = s.box;
    return [(b[4 * row] + b[4 * row + 2]) / 2, (b[4 * row + 1] + b[4 * row + 3]) / 2];
  };

  /** Longitude and latitude of a place in Mercator coordinates, as Leaflet wants them. */
  cp.latLng = function (x, y) {
    const lat = Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / WORLD))) * (180 / Math.PI);
    return L.latLng(lat, (x / WORLD - 0.5) * 360);
  };

  const corners = (left, top, right, bottom) => L.latLngBounds(cp.latLng(left, top), cp.latLng(right, bottom));

  cp.bounds = (s, row) => corners(...s.box.subarray(4 * row, 4 * row + 4));

  /** What holds all shapes; null where none has a place. */
  cp.extent = function (all) {
    const whole = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { box } of all) {
      for (let i = 0; i < box.length; i++) {
        whole[i % 4] = i % 4 < 2 ? Math.min(whole[i % 4], box[i]) : Math.max(whole[i % 4], box[i]);
      }
    }
    return whole[0] <= whole[2] ? corners(...whole) : null;
  };

  /** The variant of a layer for a choice; null where the layer has none for it. */
  cp.variant = function (layer, choice) {
    if (!layer.variants.length) return {};
    const fits = (one) =>
      (!one.service || one.service === choice.service) &&
      (one.within_min == null || one.within_min === 0 || one.within_min === choice.limit);
    const score = (one) =>
      (one.group === choice.group ? 2 : 0) + (one.walker === choice.walker ? 1 : 0);
    const able = layer.variants.filter(fits);
    return able.length ? able.reduce((a, b) => (score(b) > score(a) ? b : a)) : null;
  };

  /** Number of the class of a value, -1 where there is no value. */
  cp.classOf = function (value, breaks) {
    if (value === null || value === undefined) return -1;
    let place = 0;
    while (place < breaks.length && value > breaks[place]) place++;
    return place;
  };

  cp.rows = function (layer, variant) {
    if (variant.rows) return variant.rows;
    if (variant.bands && variant.bands.length) return variant.bands.flatMap((band) => band.rows);
    return layer.everyRow || (layer.everyRow = Array.from({ length: layer.s.count }, (_, i) => i));
  };

  // ---- one drawing on one map

  class Brush {
    constructor(ctx, origin, scale, view, zoom) {
      Object.assign(this, { ctx, origin, scale, view, zoom });
      this.growth = Math.min(2.2, Math.max(0.5, Math.pow(1.3, zoom - 16)));
    }
    px(x) {
      return x * this.scale - this.origin.x;
    }
    py(y) {
      return y * this.scale - this.origin.y;
    }
    sees(s, row, margin) {
      const b = s.box;
      return (
        this.px(b[4 * row]) <= this.view.max.x + margin &&
        this.px(b[4 * row + 2]) >= this.view.min.x - margin &&
        this.py(b[4 * row + 1]) <= this.view.max.y + margin &&
        this.py(b[4 * row + 3]) >= this.view.min.y - margin
      );
    }
    size(s, row) {
      const b = s.box;
      const wide = b[4 * row + 2] - b[4 * row];
      return Math.max(wide, b[4 * row + 3] - b[4 * row + 1]) * this.scale;
    }
    trace(s, row, closed) {
      const { ctx } = this;
      for (let piece = s.rowStart[row]; piece < s.rowStart[row + 1]; piece++) {
        const end = s.pieceStart[piece + 1];
        const start = s.pieceStart[piece];
        let [x, y] = [this.px(s.x[start]), this.py(s.y[start])];
        ctx.moveTo(x, y);
        for (let i = start + 1; i < end; i++) {
          const [nextX, nextY] = [this.px(s.x[i]), this.py(s.y[i])];
          // steps that no screen can show are left out; the end is always reached
          if (Math.abs(nextX - x) + Math.abs(nextY - y) < FINE && i < end - 1) continue;
          ctx.lineTo(nextX, nextY);
          [x, y] = [nextX, nextY];
        }
        // closePath takes a time that grows with the whole path
        if (closed) ctx.lineTo(this.px(s.x[start]), this.py(s.y[start]));
      }
    }
    /** Path of an area; a tiny one is a square, a home known as a point is a dot. */
    area(s, row) {
      const size = this.size(s, row);
      if (size > 1.5) return this.trace(s, row, true);
      const [x, y] = cp.middle(s, row).map((at, axis) => (axis ? this.py(at) : this.px(at)));
      const isPoint = size === 0;
      const half = isPoint ? 3.2 * this.growth : 0.8;
      if (!isPoint) return this.ctx.rect(x - half, y - half, 2 * half, 2 * half);
      this.ctx.moveTo(x + half, y);
      this.ctx.arc(x, y, half, 0, 2 * Math.PI);
    }
    each(s, rows, margin, path, finish) {
      let held = 0;
      this.ctx.beginPath();
      for (const row of rows) {
        if (!this.sees(s, row, margin)) continue;
        path(row);
        if (++held % AT_ONCE) continue;
        finish();
        this.ctx.beginPath();
      }
      finish();
    }
  }

  /** Rows by colour, in the order of the classes; rows without a value come first. */
  function byColour(layer, variant) {
    const rows = cp.rows(layer, variant);
    if (!variant.values || !variant.colours.length) return [[layer.style.colour, rows]];
    const found = [[(variant.missing || {}).colour, []]];
    for (const colour of variant.colours) found.push([colour, []]);
    for (const row of rows) found[cp.classOf(variant.values[row], variant.breaks) + 1][1].push(row);
    return found.filter(([colour, some]) => colour && some.length);
  }

  function groupsOf(layer, variant) {
    if (layer.groupedFor !== variant) {
      layer.groupedFor = variant;
      layer.grouped = byColour(layer, variant);
    }
    return layer.grouped;
  }

  const paint = {
    fill(brush, layer, variant, choice) {
      const { ctx } = brush;
      const { style, s } = layer;
      const coloured = choice.colour === layer.key && variant && variant.values;
      const plain = coloured ? null : style.colour;
      const groups = coloured ? groupsOf(layer, variant) : [[plain, cp.rows(layer, {})]];
      for (const [colour, rows] of groups) {
        if (!colour || colour === "none") continue;
        ctx.globalAlpha = coloured ? style.alpha : style.plain_alpha;
        ctx.fillStyle = colour;
        brush.each(s, rows, 8, (row) => brush.area(s, row), () => ctx.fill("nonzero"));
      }
      ctx.globalAlpha = 1;
      if (style.edge_from_zoom && brush.zoom < style.edge_from_zoom) return;
      ctx.strokeStyle = style.edge;
      ctx.lineWidth = style.edge_width;
      ctx.setLineDash(style.dash || []);
      brush.each(s, cp.rows(layer, {}), 8, (row) => brush.area(s, row), () => ctx.stroke());
      ctx.setLineDash([]);
    },

    bands(brush, layer, variant, choice) {
      if (choice.colour !== layer.key || !variant) return;
      const { s, style } = layer;
      // all bands are laid on paper of their own, so that they show as one sheet of glass
      const sheet = document.createElement("canvas");
      sheet.width = brush.ctx.canvas.width;
      sheet.height = brush.ctx.canvas.height;
      const ctx = sheet.getContext("2d");
      ctx.setTransform(brush.ctx.getTransform());
      const own = new Brush(ctx, brush.origin, brush.scale, brush.view, brush.zoom);
      for (const band of variant.bands) {
        ctx.fillStyle = band.colour;
        own.each(s, band.rows, 0, (row) => own.area(s, row), () => ctx.fill("nonzero"));
      }
      brush.ctx.save();
      brush.ctx.setTransform(1, 0, 0, 1, 0, 0);
      brush.ctx.globalAlpha = style.alpha;
      brush.ctx.drawImage(sheet, 0, 0);
      brush.ctx.restore();
    },

    outline(brush, layer, variant) {
      if (!variant) return;
      const { ctx } = brush;
      const rows = cp.rows(layer, variant);
      const thin = Math.min(1, brush.growth + 0.15);
      for (const [colour, width] of [["#ffffff", 4], [layer.style.colour, 1.8]]) {
        ctx.strokeStyle = colour;
        ctx.lineWidth = width * thin;
        ctx.globalAlpha = colour === "#ffffff" ? 0.7 : 1;
        brush.each(layer.s, rows, 4, (row) => brush.area(layer.s, row), () => ctx.stroke());
      }
      ctx.globalAlpha = 1;
    },

    line(brush, layer, variant) {
      if (!variant) return;
      const { ctx } = brush;
      const { s, style } = layer;
      const width = style.width * brush.growth;
      // round ends take twice the time and do not show on a thin line
      [ctx.lineJoin, ctx.lineCap] = width > 2 ? ["round", "round"] : ["bevel", "butt"];
      const stroke = (rows, colour, wide) => {
        ctx.strokeStyle = colour;
        ctx.lineWidth = wide;
        brush.each(s, rows, wide, (row) => brush.trace(s, row, false), () => ctx.stroke());
      };
      if (style.casing && brush.zoom >= 14) stroke(cp.rows(layer, variant), style.casing, width + 1.6);
      for (const [colour, rows] of groupsOf(layer, variant)) stroke(rows, colour, width);
      if (style.ticks && brush.zoom >= 16) {
        brush.each(s, cp.rows(layer, variant), 8, (row) => ticks(brush, s, row), () => ctx.stroke());
      }
    },

    bubble(brush, layer, variant) {
      if (!variant) return;
      const { ctx } = brush;
      ctx.globalAlpha = layer.style.alpha;
      ctx.fillStyle = layer.style.colour;
      ctx.strokeStyle = "#ffffff";
      ctx.lineWidth = 1;
      const radius = (row) => cp.bubbleRadius(layer, variant.values[row], brush.zoom);
      const circle = (row) => {
        const [x, y] = cp.middle(layer.s, row).map((at, axis) => (axis ? brush.py(at) : brush.px(at)));
        ctx.moveTo(x + radius(row), y);
        ctx.arc(x, y, radius(row), 0, 2 * Math.PI);
      };
      for (const row of cp.rows(layer, variant)) {
        if (radius(row) <= DOT || !brush.sees(layer.s, row, 40)) continue;
        ctx.beginPath();
        circle(row);
        ctx.fill();
        ctx.stroke();
      }
      const dots = cp.rows(layer, variant).filter((row) => radius(row) <= DOT);
      const specks = dots.filter((row) => radius(row) <= SPECK);
      brush.each(layer.s, dots.filter((row) => radius(row) > SPECK), DOT, circle, () => ctx.fill());
      for (const row of specks) {
        const [x, y] = cp.middle(layer.s, row);
        // a square of the same area: the browser fills thousands of them at once
        const side = 1.77 * radius(row);
        if (brush.sees(layer.s, row, DOT)) ctx.fillRect(brush.px(x) - side / 2, brush.py(y) - side / 2, side, side);
      }
      ctx.globalAlpha = 1;
    },

    symbol(brush, layer, variant) {
      if (!variant) return;
      for (const row of cp.rows(layer, variant)) {
        if (!cp.hasPlace(layer.s, row) || !brush.sees(layer.s, row, 30)) continue;
        const [x, y] = cp.middle(layer.s, row);
        const value = variant.values ? variant.values[row] : null;
        const place = variant.values ? cp.classOf(value, variant.breaks) : -1;
        const colour = place < 0 ? layer.style.colour : variant.colours[place];
        const mark = layer.style.marks ? layer.style.marks[Math.max(place, 0)] : layer.style.mark;
        const ranked = value !== null && value !== undefined;
        const text = layer.style.rank && ranked ? String(value) : "";
        const part = layer.style.small_unranked && !ranked ? 0.5 : 1;
        const radius = part * cp.symbolRadius(layer, brush.zoom);
        cp.mark(brush.ctx, mark, brush.px(x), brush.py(y), radius, colour, text);
      }
    },
  };

  /** Short strokes on one side of a wall, every 9 pixels. */
  function ticks(brush, s, row) {
    for (let piece = s.rowStart[row]; piece < s.rowStart[row + 1]; piece++) {
      let ahead = 5;
      for (let i = s.pieceStart[piece] + 1; i < s.pieceStart[piece + 1]; i++) {
        const [x, y] = [brush.px(s.x[i - 1]), brush.py(s.y[i - 1])];
        const [dx, dy] = [brush.px(s.x[i]) - x, brush.py(s.y[i]) - y];
        const length = Math.hypot(dx, dy);
        for (; ahead < length; ahead += 9) {
          const [tx, ty] = [x + (dx * ahead) / length, y + (dy * ahead) / length];
          brush.ctx.moveTo(tx, ty);
          brush.ctx.lineTo(tx - (dy / length) * 4, ty + (dx / length) * 4);
        }
        ahead -= length;
      }
    }
  }

  cp.bubbleRadius = function (layer, value, zoom) {
    const largest = 22 * Math.min(1.6, Math.max(0.35, Math.pow(1.35, zoom - 16)));
    return Math.max(2, largest * Math.sqrt(value / (layer.style.most || 1)));
  };

  cp.symbolRadius = (layer, zoom) =>
    layer.style.radius * Math.min(1.25, Math.max(0.55, Math.pow(1.15, zoom - 16)));

  const outlines = {
    circle: (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
    square: (c, x, y, r) => c.roundRect(x - r, y - r, 2 * r, 2 * r, r / 3),
    diamond: (c, x, y, r) => polygon(c, [[x, y - r], [x + r, y], [x, y + r], [x - r, y]]),
    triangle: (c, x, y, r) => polygon(c, [[x, y - r], [x + r, y + 0.8 * r], [x - r, y + 0.8 * r]]),
  };

  /** A gate is a hole: a ring, or a triangle for some and a square with a bar for nobody. */
  function gate(ctx, shape, x, y, r, colour) {
    const outline = { gate_residents: "triangle", gate_closed: "square" }[shape] || "circle";
    ctx.beginPath();
    outlines[outline](ctx, x, y, r);
    ctx.fillStyle = "#ffffff";
    ctx.fill();
    ctx.lineWidth = Math.max(1.6, 0.5 * r);
    ctx.strokeStyle = colour;
    if (shape === "gate_unknown") ctx.setLineDash([2, 2]);
    ctx.stroke();
    ctx.setLineDash([]);
    if (shape !== "gate_closed") return;
    ctx.beginPath();
    ctx.moveTo(x - r, y);
    ctx.lineTo(x + r, y);
    ctx.stroke();
  }

  function ring(ctx, x, y, r, colour) {
    for (const [shade, width] of [["#ffffff", 6], [colour, 3]]) {
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 2 * Math.PI);
      ctx.strokeStyle = shade;
      ctx.lineWidth = width;
      ctx.stroke();
    }
  }

  function polygon(ctx, corners) {
    corners.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.closePath();
  }

  /** One mark with a white rim, and a number in it where there is one. */
  cp.mark = function (ctx, shape, x, y, radius, colour, text) {
    if (shape.startsWith("gate")) return gate(ctx, shape, x, y, radius, colour);
    if (shape === "ring") return ring(ctx, x, y, radius, colour);
    const r = text.length > 2 ? radius * 1.25 : radius;
    ctx.beginPath();
    (outlines[shape] || outlines.circle)(ctx, x, y, r);
    ctx.lineWidth = 3;
    ctx.strokeStyle = "#ffffff";
    ctx.stroke();
    ctx.fillStyle = colour;
    ctx.fill();
    if (!text || r < 6) return;
    ctx.fillStyle = "#ffffff";
    // a diamond is narrow where the number stands
    const share = shape === "diamond" ? [1.1, 0.85][Math.min(text.length, 2) - 1] : 1.25;
    ctx.font = `600 ${Math.round(r * share)}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, x, y + 0.5);
  };

  /** A name as far as it fits; empty where too little of it would be left. */
  function fitting(ctx, name, wide) {
    if (ctx.measureText(name).width <= 1.1 * wide) return name;
    const letters = [...name];
    const share = (0.85 * wide) / ctx.measureText(name).width;
    const left = Math.floor(letters.length * share) - 1;
    return left >= 4 ? letters.slice(0, left).join("") + "…" : "";
  }

  /** Names of areas that are large enough on the screen to carry them. */
  function labels(brush, layer, view) {
    const { ctx } = brush;
    const taken = marksOf(brush, view);
    ctx.font = `600 12px ${view.fonts}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3.5;
    ctx.lineJoin = "round";
    ctx.strokeStyle = "rgba(255,255,255,0.92)";
    ctx.fillStyle = "#23282e";
    layer.names.forEach((name, row) => {
      if (!name || !cp.hasPlace(layer.s, row) || !brush.sees(layer.s, row, 0)) return;
      const b = layer.s.box;
      const short = fitting(ctx, name, (b[4 * row + 2] - b[4 * row]) * brush.scale);
      if (!short) return;
      const found = clear(brush, layer.s, row, ctx.measureText(short).width / 2, taken);
      if (!found) return;
      const [x, y] = found;
      ctx.strokeText(short, x, y);
      ctx.fillText(short, x, y);
      taken.push([x - ctx.measureText(short).width / 4, y, 8], [x + ctx.measureText(short).width / 4, y, 8]);
    });
  }

  /** Places and radii of the marks that will be drawn over the names [pixels]. */
  function marksOf(brush, { layers, choice }) {
    const over = layers.filter((one) => one.paint === "symbol" && cp.showing(one, choice) && !cp.waits(one, brush.zoom));
    return over.flatMap((layer) => {
      const variant = cp.variant(layer, choice);
      const rows = variant ? cp.rows(layer, variant).filter((row) => cp.hasPlace(layer.s, row)) : [];
      const seen = rows.filter((row) => brush.sees(layer.s, row, 20)).slice(0, MOST_MARKS);
      const radius = cp.symbolRadius(layer, brush.zoom);
      return seen.map((row) => cp.middle(layer.s, row)).map(([x, y]) => [brush.px(x), brush.py(y), radius]);
    });
  }

  /** Where the name of an area stands: in its middle, or above or below what lies there, or not. */
  function clear(brush, s, row, half, taken) {
    const [x, y] = cp.middle(s, row).map((at, axis) => (axis ? brush.py(at) : brush.px(at)));
    const room = ((s.box[4 * row + 3] - s.box[4 * row + 1]) * brush.scale) / 2 - 10;
    const free = (at) => taken.every(([mx, my, r]) => Math.abs(mx - x) > half + r + 1 || Math.abs(my - at) > r + 8);
    const places = [0, -14, 14, -24, 24, -36, 36].filter((step) => Math.abs(step) <= room);
    const step = places.find((one) => free(y + one));
    return step === undefined ? null : [x, y + step];
  }

  /** Whether a crowded layer waits until the map is zoomed in. */
  cp.waits = (layer, zoom) => zoom < (layer.style.from_zoom || 0);

  cp.showing = function (layer, choice) {
    if (layer.section !== "colour") return Boolean(choice.on[layer.key]);
    return choice.colour === layer.key || layer.paint === "fill";
  };

  function drawAll(brush, view) {
    const { layers, choice } = view;
    let named = false;
    const named_layers = layers.filter((layer) => layer.style.labels && cp.showing(layer, choice));
    const nameAreas = () => {
      if (!named) named_layers.forEach((layer) => labels(brush, layer, view));
      named = true;
    };
    for (const layer of layers) {
      if (layer.order >= 55) nameAreas();
      if (!cp.showing(layer, choice) || cp.waits(layer, brush.zoom)) continue;
      paint[layer.paint](brush, layer, cp.variant(layer, choice), choice);
    }
    nameAreas();
  }

  /** A Leaflet layer that draws all layers of a view on one canvas. */
  cp.makeCanvas = function (view) {
    const Canvas = L.Renderer.extend({
      options: { padding: 0.25 },
      _layers: {},
      _updatePaths() {},
      _initContainer() {
        this._container = document.createElement("canvas");
        this._ctx = this._container.getContext("2d");
      },
      _destroyContainer() {
        this._container.remove();
        delete this._container;
      },
      _update() {
        if (this._map._animatingZoom && this._bounds) return;
        L.Renderer.prototype._update.call(this);
        const size = this._bounds.getSize();
        const dense = Math.min(window.devicePixelRatio || 1, 2);
        this._container.width = dense * size.x;
        this._container.height = dense * size.y;
        this._container.style.width = size.x + "px";
        this._container.style.height = size.y + "px";
        L.DomUtil.setPosition(this._container, this._bounds.min);
        this._ctx.setTransform(dense, 0, 0, dense, -dense * this._bounds.min.x, -dense * this._bounds.min.y);
        this.draw();
      },
      // browsers leave the ground behind a canvas off the paper
      _fillGround(b) {
        this._ctx.fillStyle = view.ground;
        this._ctx.fillRect(b.min.x, b.min.y, b.max.x - b.min.x, b.max.y - b.min.y);
      },
      draw() {
        // while a page starts its size and place still change: it is drawn once, at the end
        if (!view.ready) return;
        const b = this._bounds;
        const zoom = this._map.getZoom();
        this._ctx.clearRect(b.min.x, b.min.y, b.max.x - b.min.x, b.max.y - b.min.y);
        if (view.choice.printing) this._fillGround(b);
        const origin = this._map.getPixelOrigin();
        drawAll(new Brush(this._ctx, origin, Math.pow(2, zoom), b, zoom), view);
        view.painted = (view.painted || 0) + 1;
      },
    });
    return new Canvas();
  };

  // ---- what lies under a point of the map

  function inArea(s, row, x, y) {
    let inside = false;
    for (let piece = s.rowStart[row]; piece < s.rowStart[row + 1]; piece++) {
      const [start, end] = [s.pieceStart[piece], s.pieceStart[piece + 1]];
      for (let i = start, j = end - 1; i < end; j = i++) {
        const crosses = s.y[i] > y !== s.y[j] > y;
        const at = ((s.x[j] - s.x[i]) * (y - s.y[i])) / (s.y[j] - s.y[i]) + s.x[i];
        if (crosses && x < at) inside = !inside;
      }
    }
    return inside;
  }

  function nearLine(s, row, x, y, reach) {
    for (let piece = s.rowStart[row]; piece < s.rowStart[row + 1]; piece++) {
      for (let i = s.pieceStart[piece] + 1; i < s.pieceStart[piece + 1]; i++) {
        const [dx, dy] = [s.x[i] - s.x[i - 1], s.y[i] - s.y[i - 1]];
        const along = ((x - s.x[i - 1]) * dx + (y - s.y[i - 1]) * dy) / (dx * dx + dy * dy || 1);
        const held = Math.min(1, Math.max(0, along));
        const far = Math.hypot(x - s.x[i - 1] - held * dx, y - s.y[i - 1] - held * dy);
        if (far <= reach) return true;
      }
    }
    return false;
  }

  function meets(layer, variant, row, x, y, scale, zoom) {
    const { s, paint: kind } = layer;
    const reach = (pixels) => pixels / scale;
    const [mx, my] = cp.middle(s, row);
    const within = (pixels) => Math.hypot(x - mx, y - my) <= reach(pixels);
    if (kind === "symbol") return within(cp.symbolRadius(layer, zoom) + 4);
    if (kind === "bubble") return within(cp.bubbleRadius(layer, variant.values[row], zoom) + 1);
    if (kind === "line") return nearLine(s, row, x, y, reach(6));
    return s.box[4 * row] === s.box[4 * row + 2] ? within(6) : inArea(s, row, x, y);
  }

  /** Everything at a place, from the top down: layer, variant and row. */
  cp.under = function (view, latLng) {
    const point = L.CRS.EPSG3857.latLngToPoint(latLng, 0);
    const zoom = view.map.getZoom();
    const scale = Math.pow(2, zoom);
    const margin = 30 / scale;
    const found = [];
    for (const layer of [...view.layers].reverse()) {
      if (layer.silent || !cp.showing(layer, view.choice) || cp.waits(layer, zoom)) continue;
      const variant = cp.variant(layer, view.choice) || (layer.paint === "fill" ? {} : null);
      if (!variant) continue;
      const b = layer.s.box;
      const rows = cp.rows(layer, layer.paint === "fill" ? {} : variant);
      for (let k = rows.length - 1; k >= 0; k--) {
        const row = rows[k];
        if (point.x < b[4 * row] - margin || point.x > b[4 * row + 2] + margin) continue;
        if (point.y < b[4 * row + 1] - margin || point.y > b[4 * row + 3] + margin) continue;
        if (meets(layer, variant, row, point.x, point.y, scale, zoom)) found.push({ layer, variant, row });
      }
    }
    return found;
  };
})();
