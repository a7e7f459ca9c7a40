// Three people with a page of `@langchain/react`, which speaks the second protocol:
// node react.mjs URL REQUESTER_KEY APPROVER_KEY TEXT OTHER_KEY DESK
// One starts runs and watches; the others open the thread later and decide at the same moment; who was faster decides
// twice and too late. Says what they saw.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { page, until } from "./pages.mjs";

const [, , apiUrl, requesterKey, approverKey, text, otherKey, desk] = process.argv;
const { useStream } = await import("@langchain/react");

const chat = (apiKey, threadId) =>
  page((seen) =>
    useStream({
      apiUrl,
      apiKey,
      assistantId: "desk",
      threadId,
      onThreadId: (made) => (seen.thread = made),
      onCreated: (run) => seen.runs.push(run.runId),
      onCompleted: (run) => seen.runs.push(run.reason),
    }),
  );
const send = (name) => [{ tool: "send", args: { text: `${text}-${name}` } }];
const input = (...turns) => ({ messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }] });
const approve = { decisions: [{ type: "approve" }] };
const rests = (seen) => !seen.stream.isLoading;
const waits = (seen, other) => rests(seen) && seen.stream.interrupt?.id && seen.stream.interrupt.id !== other;
const refusal = (promise) => promise.then(() => null, (error) => ({ code: error.code, message: error.message }));
const last = (seen) => seen.shown().split(" / ").at(-1);
const report = {};

// Created by the first message, streamed to the interrupt.
const requester = chat(requesterKey, undefined);
await until("a page", () => requester.stream);
requester.stream.submit(input(send("first"), send("second")));
await until("the first interrupt", () => waits(requester));
const first = requester.stream.interrupt;
report.action = first.value.action_requests[0].args;
report.loading = requester.stream.isLoading;

// Opened by two others, decided by both at once; who watches sees it without having asked.
const both = [approverKey, otherKey].map((key) => chat(key, requester.thread));
await until("the interrupt after a reload", () => both.every((one) => one.stream?.interrupt?.id === first.id));
await until("the messages after a reload", () => both.every((one) => one.stream.messages.length === 2));
const answers = await Promise.all(
  both.map((one) => refusal(one.stream.respond(approve, { interruptId: first.id }))),
);
report.raced = answers.map((one) => one?.code ?? "won").sort();
const approver = both[answers.indexOf(null)];
await until("the second interrupt", () => waits(approver, first.id));
const second = approver.stream.interrupt;
report.other = second.value.action_requests[0].args;
await until("the second interrupt for who watches", () =>
  requester.stream.interrupts.some((one) => one.id === second.id),
);

// Decided too late, and twice.
const reject = { decisions: [{ type: "reject" }] };
report.late = await refusal(approver.stream.respond(reject, { interruptId: first.id }));
report.again = await refusal(approver.stream.respond(approve, { interruptId: first.id }));
report.stranger = await refusal(requester.stream.respond(approve, { interruptId: second.id }));
report.still = approver.stream.interrupts.map((one) => one.id === second.id);
await approver.stream.respondAll({ [second.id]: approve });
await until("the end", () => rests(approver) && !approver.stream.interrupt && last(approver).includes(" | "));
report.shown = last(approver);
await until("the end for who watches", () => last(requester) === report.shown);
report.ends = requester.runs.filter((one) => one === "interrupt").length > 0;
for (const one of [requester, ...both]) one.root.unmount();

// A second run on the thread, by a page that was opened when nothing went on; another one sees it go on.
const starter = chat(requesterKey, requester.thread);
await until("the thread at rest", () => starter.stream && rests(starter) && starter.stream.messages.length === 6);
starter.stream.submit(input([{ tool: "note", args: { text: `${text}-held`, hold: "before" } }]));
await until("a run that goes on", () => starter.stream.isLoading && starter.stream.messages.length > 7);
const watcher = chat(requesterKey, requester.thread);
await until("what goes on after a reload", () => watcher.stream?.isLoading && watcher.stream.messages.length > 7);
report.joined = watcher.stream.messages.length;

// Stopped while it goes on: what has begun is let finish.
await starter.stream.stop();
writeFileSync(`${desk}/${text}-held.go`, "");
await until("our word on a run that was stopped", () => rests(watcher) && watcher.shown().includes("cancelled"));
report.error = starter.stream.error ? String(starter.stream.error) : null;

console.log(JSON.stringify(report));
process.exit(0);
