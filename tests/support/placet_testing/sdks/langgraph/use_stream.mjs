// Three people with a page that uses `useStream`:
// node use_stream.mjs PACKAGE URL REQUESTER_KEY APPROVER_KEY TEXT OTHER_KEY DESK
// One starts a run; two others open its thread later, as after a reload, and decide at the same moment; who was faster goes
// on, clicks twice and comes too late. A run is stopped by its page. Says what they saw.
import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { page, until } from "./pages.mjs";

const [, , sdk, apiUrl, requesterKey, approverKey, text, otherKey, desk] = process.argv;
const { useStream } = await import(`${sdk}/react`);

const chat = (apiKey, threadId) =>
  page((seen) =>
    useStream({
      apiUrl,
      apiKey,
      assistantId: "desk",
      threadId,
      fetchStateHistory: true,
      reconnectOnMount: true,
      onThreadId: (made) => (seen.thread = made),
      onCreated: (run) => seen.runs.push(run.run_id),
      onError: (error) => seen.errors.push(String(error)),
    }),
  );
const input = (turns) => ({ messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }] });
const statuses = (seen) => seen.errors.map((error) => error.match(/HTTP (\d+)/)?.[1]);
const waits = (seen, other) => !seen.stream?.isLoading && seen.stream?.interrupt?.id && seen.stream.interrupt.id !== other;

const requester = chat(requesterKey, undefined);
await until("a page", () => requester.stream);
requester.stream.submit(input(["first", "second"].map((name) => [{ tool: "send", args: { text: `${text}-${name}` } }])));
await until("the first interrupt", () => waits(requester));
const first = requester.stream.interrupt;
requester.root.unmount();

// Two open it, and decide in the same moment.
const both = [approverKey, otherKey].map((key) => chat(key, requester.thread));
await until("the interrupt after a reload", () => both.every((one) => waits(one)));
const reloaded = both.every((one) => one.stream.interrupt.id === first.id);
const before = both[0].stream.messages.length;
const approve = { decisions: [{ type: "approve" }] };
for (const one of both) one.stream.submit(undefined, { command: { resume: { [first.id]: approve } } });
await until("who was slower", () => both.some((one) => one.errors.length > 0));
const slower = both.find((one) => one.errors.length > 0);
const approver = both.find((one) => one !== slower);
const raced = statuses(slower);
slower.root.unmount();

// Who was faster clicks twice on the next one.
await until("the second interrupt", () => waits(approver, first.id));
const second = approver.stream.interrupt;
for (let click = 0; click < 2; click += 1) approver.stream.submit(undefined, { command: { resume: approve } });
await until("the end", () => !approver.stream.isLoading && !approver.stream.interrupt && approver.shown().includes(" | "));
const shown = approver.shown().split(" / ").at(-1);
const twice = statuses(approver);

const late = { [first.id]: { decisions: [{ type: "reject" }] } };
approver.stream.submit(undefined, { command: { resume: late } });
await until("the refusal", () => approver.errors.length > twice.length);
approver.root.unmount();

// A run is stopped while it goes on: what has begun is let finish.
const stopper = chat(requesterKey, requester.thread);
await until("the thread at rest", () => stopper.stream && !stopper.stream.isLoading && stopper.stream.messages.length === 6);
stopper.stream.submit(input([[{ tool: "note", args: { text: `${text}-held`, hold: "before" } }]]));
await until("a run that goes on", () => existsSync(`${desk}/${text}-held.before`) && stopper.stream.messages.length > 7);
stopper.stream.stop();
const runs = `${apiUrl.replace("/langgraph", "/v1")}/runs?thread_id=${requester.thread}`;
let run;
while (!run?.cancel_requested_at) {
  const listed = await fetch(runs, { headers: { Authorization: `Bearer ${requesterKey}` } });
  run = (await listed.json()).items.find((one) => one.ended_at === null);
  await new Promise((again) => setTimeout(again, 50));
}
writeFileSync(`${desk}/${text}-held.go`, "");
let watcher = chat(requesterKey, requester.thread);
await until("our word on a run that was stopped", () => {
  if (watcher.stream && !watcher.stream.isLoading && watcher.shown() && !watcher.shown().includes("cancelled")) {
    watcher.root.unmount();
    watcher = chat(requesterKey, requester.thread);
  }
  return watcher.shown().includes("cancelled");
});

console.log(
  JSON.stringify({
    action: first.value.action_requests[0].args,
    reloaded,
    before,
    raced,
    other: second.value.action_requests[0].args,
    shown,
    twice,
    refused: statuses(approver),
    unexpected: [...requester.errors, ...stopper.errors, ...watcher.errors],
  }),
);
process.exit(0);
