// The page's script: shows the values of a cell on hover and focus, and recolours the heatmaps when a switch changes.
// The page is complete without it. Text, because it runs in the reader's browser. The data are in two JSON elements,
// `stops` and `cells`.
export const script = `
const tip = document.getElementById("tip");
const show = (event) => {
  const target = event.target.closest?.("[data-tip]");
  if (!target) { tip.hidden = true; return; }
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const box = target.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(box.left + box.width / 2 - tip.offsetWidth / 2, innerWidth - tip.offsetWidth - 4)) + "px";
  tip.style.top = (box.top > tip.offsetHeight + 8 ? box.top - tip.offsetHeight - 6 : box.bottom + 6) + "px";
};
for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, show);
document.addEventListener("focusout", () => { tip.hidden = true; });
document.addEventListener("scroll", () => show({ target: document.activeElement }), true);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

const data = document.getElementById("cells");
if (data) {
  const { limits, scans, metricNames, baseNames } = JSON.parse(data.textContent);
  const stops = JSON.parse(document.getElementById("stops").textContent);
  const sign = (x, digits) => { const t = Math.abs(x).toFixed(digits); return (Number(t) === 0 ? "" : x < 0 ? "\\u2212" : "+") + t; };
  const brief = (x) => { const s = Math.abs(x), t = s.toFixed(s >= 9.95 ? 0 : s >= 0.995 ? 1 : 2).replace(/^0\\./, "."); return (Number(t) === 0 ? "" : x < 0 ? "\\u2212" : "+") + t; };
  const colour = (x, limit) => {
    const at = (Math.max(-1, Math.min(1, x / limit)) + 1) / 2 * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((from, i) => Math.round(from + (at - low) * (stops[low + 1][i] - from)));
  };
  const draw = () => {
    const choice = (name) => document.querySelector("input[name=" + name + "]:checked")?.value;
    const key = [choice("metric"), choice("split"), choice("base")].join(" "), limit = limits[choice("metric") + " " + choice("split")];
    document.querySelectorAll("[data-shown]").forEach((text) => { text.textContent = [metricNames[choice("metric")], choice("split"), baseNames[choice("base")]].join(", "); });
    document.querySelectorAll("[data-limit]").forEach((text) => { text.textContent = Number(limit.toPrecision(2)); });
    document.querySelectorAll("[data-ramp]").forEach((text) => { text.textContent = sign(text.dataset.ramp === "low" ? -limit : limit, 2); });
    document.querySelectorAll("svg[data-scan] .cell").forEach((cell) => {
      const [i, j] = cell.dataset.at.split(",").map(Number);
      const view = scans[cell.closest("svg").dataset.scan][key]?.[i]?.[j];
      const [rect, text] = [cell.querySelector("rect"), cell.querySelector("text")];
      cell.style.display = view ? "" : "none";
      if (!view) return;
      const [barrier, low, high, value] = view;
      const rgb = barrier === null ? null : colour(barrier, limit);
      rect.setAttribute("fill", rgb ? "rgb(" + rgb + ")" : "url(#hatch)");
      if (text.textContent !== "") text.textContent = barrier === null ? "\\u221e" : brief(barrier);
      const light = !rgb || 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 118;
      text.setAttribute("class", (light ? "on-light" : "on-dark") + (low !== null && low <= 0 && high >= 0 ? " unsure" : ""));
      cell.dataset.tip = cell.dataset.place + "\\nbarrier " + (barrier === null ? "not finite" : sign(barrier, 3)) + (low === null ? "" : " (95 %: " + sign(low, 3) + " to " + sign(high, 3) + ")") + "\\nvalue " + (value === null ? "not finite" : Number(value.toPrecision(4)));
    });
  };
  document.querySelectorAll(".switches input").forEach((input) => input.addEventListener("change", draw));
  draw();
}
`;
