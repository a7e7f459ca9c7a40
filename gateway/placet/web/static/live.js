// @ts-check
/* The page follows what happens: events are hints, the record is read again. */
import * as list from './list.js';
import { read, refresh } from './islands.js';
import { follow } from './stream.js';
import { script } from './trusted.js';

/** @typedef {import('./stream.js').Told} Told */

const TOGETHER = 250;
const SERVICE_CHECK = 20_000;
const POLL = 15_000;
const PATIENCE = 2_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let complaint;
let live = false;

export function begin() {
  setInterval(() => document.visibilityState === 'visible' && checkService(), SERVICE_CHECK);
  if (!['inbox', 'approval', 'runs', 'run', 'turn'].includes(document.body.dataset.page ?? '')) return;
  addEventListener('online', async () => (await refresh()) && live && quiet());
  addEventListener('offline', () => bar(Date.now()));
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && again());
  if (typeof SharedWorker === 'function') return share();
  if (navigator.locks && typeof BroadcastChannel === 'function') return lead();
  setInterval(() => document.visibilityState === 'visible' && refresh(), POLL);
}

function share() {
  const address = new URL('./live-worker.js', import.meta.url).href;
  const worker = new SharedWorker(script(address), { type: 'module', name: 'placet' });
  worker.port.onmessage = (message) => hear(message.data);
  addEventListener('pagehide', () => worker.port.postMessage('gone'));
}

/** Where workers are not shared, one tab follows for all; the lock is handed on when it goes. */
function lead() {
  const channel = new BroadcastChannel('placet');
  channel.onmessage = (message) => hear(message.data);
  navigator.locks.request('placet-live', () =>
    follow((told) => {
      channel.postMessage(told);
      hear(told);
    }),
  );
}

/** @param {Told} told */
function hear(told) {
  if (told.kind === 'state') return heard(told);
  const page = document.body.dataset.page;
  if (page === 'inbox') return list.hear(told);
  const card = /** @type {HTMLElement | null} */ (document.querySelector('[data-island][data-id], [data-run]'));
  const ours = card && (told.approval_id === card.dataset.id || (told.run_id && told.run_id === (card.dataset.run ?? card.dataset.of)));
  if (ours || page === 'runs' || page === 'turn') again();
  else if (told.type.startsWith('approval.')) refresh(['queue']);
}

/** Whether something that decisions need is away: one notice, wherever one is. */
async function checkService() {
  const [old, next] = [document.getElementById('service'), (await read('/service'))?.getElementById('service')];
  if (old && next && !old.isEqualNode(next)) old.replaceWith(document.adoptNode(next));
}

/** @param {Extract<Told, {kind: 'state'}>} told */
function heard(told) {
  if (told.live) {
    live = true;
    quiet();
    // What happened between the reading of this page and the begin of the stream, nobody has told.
    if (told.at >= performance.timeOrigin) again();
    return;
  }
  live = false;
  complaint ??= setTimeout(() => bar(told.at), PATIENCE);
}

function quiet() {
  clearTimeout(complaint);
  complaint = undefined;
  const shown = document.getElementById('connection');
  if (shown) shown.hidden = true;
}

/** @param {number} since */
function bar(since) {
  const shown = document.getElementById('connection');
  if (!shown) return;
  const at = new Date(since).toTimeString().slice(0, 5);
  shown.textContent = `Not live since ${at}. Showing the last known state. Retrying…`;
  shown.hidden = false;
}

/** Reads the page again, once for what happens at once. */
function again() {
  clearTimeout(soon);
  soon = setTimeout(() => refresh(), TOGETHER);
}
