// @ts-check
/* Modules come after the page is seen: until they are there, nothing that decides can be pressed. Where they never come,
   the page is one without scripts. */
'use strict';

{
  const PATIENCE = 10_000;
  const refuse = (/** @type {Event} */ event) => {
    const waits = !('ready' in document.documentElement.dataset) && performance.now() < PATIENCE;
    if (!waits || !(event.target instanceof Element) || !event.target.closest('[data-arm]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  for (const kind of ['click', 'submit']) addEventListener(kind, refuse, { capture: true });
}
