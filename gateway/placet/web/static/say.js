// @ts-check
/* What is told to who cannot see it: quietly, or at once. */

/** @param {string} text */
export function politely(text) {
  tell('polite', text);
}

/** @param {string} text */
export function atOnce(text) {
  tell('assertive', text);
}

/**
 * @param {string} id
 * @param {string} text
 */
function tell(id, text) {
  const region = document.getElementById(id);
  if (!region) return;
  region.textContent = '';
  // A region that is filled in the same moment in which it was emptied is not read out again.
  setTimeout(() => (region.textContent = text), 50);
}
