// @ts-check
/* What somebody types survives a reload, in this tab only, until the approval has ended. */

export function begin() {
  const card = /** @type {HTMLElement | null} */ (document.querySelector('[data-id][data-digest]'));
  if (!card) return;
  const beginning = `placet:${card.dataset.id}:`;
  if (card.dataset.status && card.dataset.status !== 'pending') return forget(beginning);
  for (const field of /** @type {NodeListOf<HTMLTextAreaElement>} */ (document.querySelectorAll('textarea[data-draft]'))) {
    const kept = sessionStorage.getItem(keyOf(field));
    if (kept && kept !== field.value) {
      field.value = kept;
      field.closest('details')?.setAttribute('open', '');
    }
  }
  // Listened for above the fields: they are others after the page was read again.
  document.addEventListener('input', (event) => event.target instanceof HTMLTextAreaElement && event.target.dataset.draft && keep(event.target));
  if (document.querySelector('form[data-decide="answer"]')) choices(`${beginning}${card.dataset.digest}:choices`);
  for (const form of document.querySelectorAll('form[data-dirty]:not([data-checked])')) {
    let sent = false;
    form.addEventListener('submit', () => (sent = true));
    addEventListener('beforeunload', (event) => {
      const typed = [...form.querySelectorAll('textarea:not([data-draft]), input:not([type="hidden"])')].some((field) =>
        field instanceof HTMLTextAreaElement ? field.value !== field.defaultValue
          : field instanceof HTMLInputElement && (field.type === 'radio' || field.type === 'checkbox' ? field.checked !== field.defaultChecked : field.value !== field.defaultValue));
      if (!sent && typed) event.preventDefault();
    });
  }
}

/** @param {HTMLTextAreaElement} field */
function keyOf(field) {
  const card = /** @type {HTMLElement | null} */ (document.querySelector('[data-id][data-digest]'));
  return `placet:${card?.dataset.id}:${card?.dataset.digest}:${field.dataset.draft}`;
}

/** @param {HTMLTextAreaElement} field */
function keep(field) {
  if (field.value) sessionStorage.setItem(keyOf(field), field.value);
  else sessionStorage.removeItem(keyOf(field));
}

/**
 * Which options are chosen survives too.
 * @param {string} key
 */
function choices(key) {
  const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('form[data-decide="answer"] input[data-option]')]);
  const kept = (sessionStorage.getItem(key) ?? '').split('\n');
  for (const box of boxes()) if (kept.includes(`${box.name}=${box.value}`)) box.checked = true;
  document.addEventListener('change', () => {
    const chosen = boxes().filter((box) => box.checked);
    sessionStorage.setItem(key, chosen.map((box) => `${box.name}=${box.value}`).join('\n'));
  });
}

/** @param {string} beginning */
function forget(beginning) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(beginning)) sessionStorage.removeItem(key);
}
