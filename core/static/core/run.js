/* Requests the progress of a run every two seconds, and reloads the page when the run has ended. */
"use strict";

const live = document.getElementById("live");
const EVERY = 2000;

function span(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s` : `${seconds} s`;
}

function write(name, text) {
  const place = document.querySelector(`[data-field="${name}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

function show(state) {
  write("took", span(state.seconds));
  write("where", state.alive ? state.where : "The process has ended. The next run will mark this run as interrupted.");
  write("seen", state.figures);
  const bar = live.querySelector("progress");
  if (state.total) {
    bar.max = state.total;
    bar.value = state.seen;
  } else {
    bar.removeAttribute("value");
  }
}

async function ask() {
  try {
    const answer = await fetch(live.dataset.address, { headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) {
      const state = await answer.json();
      if (!state.running) {
        window.location.reload();
        return;
      }
      show(state);
    }
  } catch {
    write("where", "The server did not respond. Trying again.");
  }
  window.setTimeout(ask, EVERY);
}

if (live) window.setTimeout(ask, EVERY);
