// @ts-check
/* How many of several questions have an answer so far. */
import { FRESH } from './islands.js';

export function begin() {
  for (const event of ['input', 'change', FRESH]) document.addEventListener(event, tell);
  tell();
}

function tell() {
  const told = document.getElementById('progress');
  const questions = [...document.querySelectorAll('fieldset[data-question]')];
  if (!told || questions.length < 2) return;
  const text = `${questions.filter(isAnswered).length} of ${questions.length} answered`;
  if (told.textContent !== text) told.textContent = text;
  told.hidden = false;
}

/** @param {Element} question */
function isAnswered(question) {
  return Boolean(question.querySelector('input:checked')) || [...question.querySelectorAll('textarea')].some((field) => field.value.trim());
}
