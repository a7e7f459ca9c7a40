// @ts-check
/* Begins what a page does beyond what it is without scripts. One that fails takes nothing else with it. */
import * as arm from './arm.js';
import * as clock from './clock.js';
import * as confirm from './confirm.js';
import * as drafts from './drafts.js';
import * as edit from './edit.js';
import * as keys from './keys.js';
import * as list from './list.js';
import * as live from './live.js';
import * as progress from './progress.js';
import * as small from './small.js';

document.documentElement.dataset.scripts = 'run';
for (const part of [arm, clock, confirm, drafts, edit, keys, list, progress, small, live]) {
  try {
    part.begin();
  } catch (error) {
    console.error(error);
  }
}

document.documentElement.dataset.ready = '';
