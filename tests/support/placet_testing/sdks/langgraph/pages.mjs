// A page in jsdom: a hook of React's that is rendered, and what it has shown.
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<body></body>", { url: "http://localhost/" });
Object.assign(globalThis, { window, document: window.document, sessionStorage: window.sessionStorage });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });

const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

const PATIENCE = 60_000;

// Renders the hook; `seen.stream` is what it last returned, `seen.shown()` the text of its messages.
export function page(hook) {
  const element = window.document.body.appendChild(window.document.createElement("div"));
  const seen = { errors: [], runs: [], shown: () => element.textContent };
  function Chat() {
    seen.stream = hook(seen);
    return createElement("p", null, seen.stream.messages.map((message) => message.content).join(" / "));
  }
  seen.root = createRoot(element);
  seen.root.render(createElement(Chat));
  return seen;
}

export async function until(what, holds, patience = PATIENCE) {
  const since = Date.now();
  while (!holds()) {
    if (Date.now() - since > patience) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((again) => setTimeout(again, 20));
  }
}
