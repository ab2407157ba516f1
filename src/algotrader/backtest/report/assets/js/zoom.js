// What every time chart understands: drag, double-click, wheel and keys change `view` = [from, to].
// A chart has canvas, first, last, view, at(px), plot, draw(); it may have `least`, its shortest view.
export function clampView(chart, from, to) {
  const whole = chart.last - chart.first, least = Math.min(whole, chart.least || whole / 500);
  const size = Math.max(least, Math.min(whole, to - from));
  const start = Math.max(chart.first, Math.min(chart.last - size, from + ((to - from) - size) / 2));
  chart.view = [start, start + size];
  chart.draw();
}

export function zoomBy(chart, factor, around) {
  const [from, to] = chart.view;
  clampView(chart, around - (around - from) * factor, around + (to - around) * factor);
}

export function zoomable(chart) {
  const { canvas } = chart;
  const where = event => chart.at(Math.max(0, Math.min(chart.plot, event.offsetX)));
  canvas.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    canvas.focus({ preventScroll: true });
    if (event.pointerType !== "touch") {
      canvas.setPointerCapture(event.pointerId);
      chart.drag = [where(event), where(event)];
    }
    chart.hover = where(event);
    chart.draw();
  });
  canvas.addEventListener("pointermove", event => {
    chart.hover = where(event);
    chart.hoverY = event.offsetY;
    if (chart.drag) chart.drag[1] = chart.hover;
    chart.draw();
  });
  canvas.addEventListener("pointerup", event => {
    const drag = chart.drag;
    chart.drag = null;
    if (drag && Math.abs(drag[1] - drag[0]) > (chart.view[1] - chart.view[0]) * 8 / chart.plot) clampView(chart, ...drag.sort((a, b) => a - b));
    else chart.draw();
    if (event.pointerType === "touch") return;
    chart.clicked?.(event);
  });
  for (const gone of ["pointerleave", "pointercancel"]) canvas.addEventListener(gone, () => {
    chart.hover = chart.drag = null;
    chart.draw();
  });
  canvas.addEventListener("dblclick", () => clampView(chart, chart.first, chart.last));
  // The page scrolls under the wheel until a chart is taken hold of: a click, or Ctrl.
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoomBy(chart, event.deltaY > 0 ? 1.2 : 1 / 1.2, where(event));
  }, { passive: false });
  canvas.addEventListener("keydown", event => {
    const [from, to] = chart.view, size = to - from, middle = (from + to) / 2;
    const deeds = {
      ArrowLeft: () => clampView(chart, from - size / 8, to - size / 8),
      ArrowRight: () => clampView(chart, from + size / 8, to + size / 8),
      "+": () => zoomBy(chart, 1 / 1.5, middle),
      "=": () => zoomBy(chart, 1 / 1.5, middle),
      "-": () => zoomBy(chart, 1.5, middle),
      Home: () => clampView(chart, chart.first, chart.first + size),
      End: () => clampView(chart, chart.last - size, chart.last),
      Escape: () => clampView(chart, chart.first, chart.last),
    };
    const deed = deeds[event.key];
    if (!deed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    deed();
  });
}
