/* Asks every two seconds how far a run is, and loads the page anew when it has ended. */
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
  write("where", state.alive ? state.where : "Its process is gone; the next run marks it interrupted.");
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
    write("where", "No answer; trying again.");
  }
  window.setTimeout(ask, EVERY);
}

if (live) window.setTimeout(ask, EVERY);
