/* Draws each chart from the table beside it, so that both always say the same; colours follow the admin's switch. */
"use strict";

const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(table) {
  const heads = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  return {
    labels: rows.map((row) => row[0]),
    datasets: heads.map((label, at) => ({ label, data: rows.map((row) => Number(row[at + 1])) })),
  };
}

function paint(chart) {
  chart.data.datasets.forEach((set, at) => {
    set.backgroundColor = colour(`--chart-${(at % 8) + 1}`);
  });
  const ink = colour("--body-fg");
  chart.options.plugins.legend.labels.color = ink;
  for (const axis of ["x", "y"]) {
    chart.options.scales[axis].ticks.color = ink;
    chart.options.scales[axis].grid.color = colour("--hairline-color");
  }
  chart.update("none");
}

function draw(canvas) {
  const quiet = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const chart = new Chart(canvas, {
    type: "bar",
    data: read(document.getElementById(canvas.dataset.table)),
    options: {
      animation: quiet ? false : { duration: 200 },
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      datasets: { bar: { categoryPercentage: 1, barPercentage: 0.86 } },
      plugins: { legend: { position: "bottom", labels: { boxWidth: 12 } } },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked: true, beginAtZero: true, ticks: { precision: 0 } },
      },
    },
  });
  charts.push(chart);
  paint(chart);
}

document.querySelectorAll("canvas[data-table]").forEach(draw);
const repaint = () => charts.forEach(paint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
