// @ts-check
/* One stream for all tabs of a browser: it lets a page open six connections to a host, over all of them. */
import { follow } from './stream.js';

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {import('./stream.js').Told | null} */
let state = null;

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === 'gone') ports.delete(port);
  };
  if (state) port.postMessage(state);
};

follow((told) => {
  if (told.kind === 'state') state = told;
  for (const port of ports) port.postMessage(told);
});
