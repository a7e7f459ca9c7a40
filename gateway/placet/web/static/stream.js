// @ts-check
/* Follows the gateway's events. Only that something happened is told, never what: pages read that from the gateway.
   Streams are read by fetch: an EventSource hides the heartbeat, and with it whether the connection still lives. */

/**
 * @typedef {{kind: 'event', type: string, approval_id: string | null, run_id: string | null}
 *   | {kind: 'state', live: boolean, at: number, signedOut: boolean}} Told
 */

const SILENCE = 30_000;
const SLOWEST = 15_000;

/**
 * Follows for ever.
 * @param {(told: Told) => void} tell
 */
export async function follow(tell) {
  let last = '';
  let pause = 500;
  for (;;) {
    const end = await once(last, tell, (id) => {
      last = id;
      pause = 500;
    });
    tell({ kind: 'state', live: false, at: Date.now(), signedOut: end === 'signed-out' });
    await new Promise((done) => setTimeout(done, end === 'signed-out' ? SLOWEST : pause));
    pause = Math.min(pause * 2, SLOWEST);
  }
}

/**
 * @param {string} last
 * @param {(told: Told) => void} tell
 * @param {(id: string) => void} seen
 */
async function once(last, tell, seen) {
  const stop = new AbortController();
  let silence = setTimeout(() => stop.abort(), SILENCE);
  try {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'text/event-stream' };
    if (last) headers['Last-Event-ID'] = last;
    const answer = await fetch('/v1/events', { headers, cache: 'no-store', credentials: 'same-origin', signal: stop.signal });
    if (answer.status === 401 || answer.status === 403) return 'signed-out';
    if (!answer.ok || !answer.body) return 'broken';
    seen(last || (answer.headers.get('X-Placet-Cursor') ?? ''));
    tell({ kind: 'state', live: true, at: Date.now(), signedOut: false });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 'ended';
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), SILENCE);
      const frames = (rest + value).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) hear(frame, tell, seen);
    }
  } catch {
    return 'broken';
  } finally {
    clearTimeout(silence);
    stop.abort();
  }
}

/**
 * @param {string} frame
 * @param {(told: Told) => void} tell
 * @param {(id: string) => void} seen
 */
function hear(frame, tell, seen) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of frame.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
  }
  if (!fields.data) return;
  if (fields.id) seen(fields.id);
  const event = JSON.parse(fields.data);
  tell({ kind: 'event', type: event.type, approval_id: event.approval_id, run_id: event.run_id });
}
