// @ts-check
/* The one place where text becomes markup, and an address a script: only what our own server has sent. */

/** @type {any} */
const factory = /** @type {any} */ (globalThis).trustedTypes;
const policy = factory?.createPolicy('placet', {
  createHTML: (/** @type {string} */ text) => text,
  createScriptURL: (/** @type {string} */ address) => {
    if (new URL(address).origin !== location.origin) throw new TypeError(address);
    return address;
  },
});

/**
 * Returns a page as a document that runs nothing.
 * @param {string} text
 */
export function page(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, 'text/html');
}

/**
 * Returns the address of a script of ours.
 * @param {string} address
 */
export function script(address) {
  return policy ? policy.createScriptURL(address) : address;
}
