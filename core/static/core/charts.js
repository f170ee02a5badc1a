/* Draws each chart from the table below it, so that both always show the same data. The admin's theme sets the colours. */
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

function painted(datasets) {
  return datasets.map((set, at) => ({
    ...set,
    backgroundColor: colour(`--chart-${(at % 8) + 1}`),
    borderColor: colour("--body-bg"),
    borderWidth: { top: 1, right: 0, bottom: 0, left: 0 },
  }));
}

function inked() {
  const [ink, line] = [colour("--body-fg"), colour("--hairline-color")];
  return {
    plugins: { colors: { enabled: false }, legend: { position: "bottom", labels: { boxWidth: 12, color: ink } } },
    scales: {
      x: { stacked: true, grid: { display: false }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 16 } },
      y: { stacked: true, beginAtZero: true, grid: { color: line }, ticks: { color: ink, precision: 0 } },
    },
  };
}

function options() {
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    datasets: { bar: { categoryPercentage: 1, barPercentage: 0.86 } },
    ...inked(),
  };
}

function draw(canvas) {
  const data = read(document.getElementById(canvas.dataset.table));
  data.datasets = painted(data.datasets);
  charts.push(new Chart(canvas, { type: "bar", data, options: options() }));
}

function repaint() {
  for (const chart of charts) {
    chart.data.datasets = painted(chart.data.datasets);
    chart.options = options();
    chart.update();
  }
}

document.querySelectorAll("canvas[data-table]").forEach(draw);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
