// Two people with a page that uses `useStream`: node use_stream.mjs PACKAGE URL REQUESTER_KEY APPROVER_KEY TEXT
// One starts a run; the other opens its thread later, as after a reload, and decides. Says what both saw.
import { randomUUID } from "node:crypto";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<div id='requester'></div><div id='approver'></div>", { url: "http://localhost/" });
Object.assign(globalThis, { window, document: window.document, sessionStorage: window.sessionStorage });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });

const [, , sdk, apiUrl, requesterKey, approverKey, text] = process.argv;
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useStream } = await import(`${sdk}/react`);

const PATIENCE = 60_000;

function page(element, apiKey, threadId) {
  const seen = { errors: [], runs: [] };
  function Chat() {
    seen.stream = useStream({
      apiUrl,
      apiKey,
      assistantId: "desk",
      threadId,
      fetchStateHistory: true,
      onThreadId: (made) => (seen.thread = made),
      onCreated: (run) => seen.runs.push(run.run_id),
      onError: (error) => seen.errors.push(String(error)),
    });
    return createElement("p", null, seen.stream.messages.map((message) => message.content).join(" / "));
  }
  const root = createRoot(window.document.getElementById(element));
  root.render(createElement(Chat));
  return Object.assign(seen, { root, shown: () => window.document.getElementById(element).textContent });
}

async function until(what, holds) {
  const since = Date.now();
  while (!holds()) {
    if (Date.now() - since > PATIENCE) throw new Error(`not within a minute: ${what}`);
    await new Promise((again) => setTimeout(again, 20));
  }
}

const requester = page("requester", requesterKey, undefined);
await until("a page", () => requester.stream);
const turns = ["first", "second"].map((name) => [{ tool: "send", args: { text: `${text}-${name}` } }]);
const message = { type: "human", id: randomUUID(), content: JSON.stringify(turns) };
requester.stream.submit({ messages: [message] });
await until("the first interrupt", () => !requester.stream.isLoading && requester.stream.interrupt?.id);
const first = requester.stream.interrupt;
requester.root.unmount();

const approver = page("approver", approverKey, requester.thread);
await until("the interrupt after a reload", () => approver.stream?.interrupt?.id);
const reloaded = approver.stream.interrupt.id === first.id;
const before = approver.stream.messages.length;

const approve = { decisions: [{ type: "approve" }] };
approver.stream.submit(undefined, { command: { resume: { [first.id]: approve } } });
await until("the second interrupt", () => !approver.stream.isLoading && approver.stream.interrupt?.id !== first.id);
const second = approver.stream.interrupt;
approver.stream.submit(undefined, { command: { resume: approve } });
await until("the end", () => !approver.stream.isLoading && !approver.stream.interrupt);
const shown = approver.shown().split(" / ").at(-1);

const late = { [first.id]: { decisions: [{ type: "reject" }] } };
approver.stream.submit(undefined, { command: { resume: late } });
await until("the refusal", () => approver.errors.length > 0);
approver.root.unmount();

console.log(
  JSON.stringify({
    action: first.value.action_requests[0].args,
    reloaded,
    before,
    other: second.value.action_requests[0].args,
    shown,
    runs: new Set([...requester.runs, ...approver.runs]).size,
    refused: approver.errors.map((error) => error.match(/HTTP (\d+)/)?.[1]),
    unexpected: requester.errors,
  }),
);
process.exit(0);
