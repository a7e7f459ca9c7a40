// @ts-check
/* How much of an answer is given so far: questions, options, characters. */
import { FRESH } from './islands.js';

export function begin() {
  for (const event of ['input', 'change', FRESH]) document.addEventListener(event, tell);
  tell();
}

function tell() {
  for (const one of document.querySelectorAll('[data-chosen]')) {
    const chosen = one.closest('fieldset')?.querySelectorAll('input:checked').length ?? 0;
    write(one, chosen ? ` ${chosen} chosen.` : '');
  }
  for (const one of document.querySelectorAll('[data-counter]')) {
    const field = one.previousElementSibling?.querySelector('textarea');
    if (field) write(one, field.value ? `${field.value.length.toLocaleString('en')} of ${field.maxLength.toLocaleString('en')} characters` : '');
  }
  const told = document.getElementById('progress');
  const questions = [...document.querySelectorAll('fieldset[data-question]')];
  if (!told || questions.length < 2) return;
  const text = `${questions.filter(isAnswered).length} of ${questions.length} answered`;
  write(told, text);
  told.hidden = false;
}

/**
 * @param {Element} where
 * @param {string} text
 */
function write(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** @param {Element} question */
function isAnswered(question) {
  return Boolean(question.querySelector('input:checked')) || [...question.querySelectorAll('textarea')].some((field) => field.value.trim());
}
