// Two people with a page of `@langchain/react`, which speaks the second protocol:
// node react.mjs URL REQUESTER_KEY APPROVER_KEY TEXT DESK
// One starts runs and watches; the other opens the thread later, decides, decides twice and too late. Says what they saw.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { page, until } from "./pages.mjs";

const [, , apiUrl, requesterKey, approverKey, text, desk] = process.argv;
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

// Opened by another one, decided; who watches sees it without having asked.
const approver = chat(approverKey, requester.thread);
await until("the interrupt after a reload", () => approver.stream?.interrupt?.id === first.id);
await until("the messages after a reload", () => approver.stream.messages.length === 2);
await approver.stream.respond(approve, { interruptId: first.id });
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
await until("the end for who watches", () => last(requester) === report.shown && requester.runs.includes("success"));

// A second run on the thread is seen by who has it open, and one that goes on by who opens it.
requester.stream.submit(input([{ tool: "note", args: { text: `${text}-held`, hold: "before" } }]));
await until("a run that goes on", () => requester.stream.isLoading && requester.stream.messages.length > 7);
const third = chat(requesterKey, requester.thread);
await until("what goes on after a reload", () => third.stream?.isLoading);
report.joined = third.stream.messages.length;
third.root.unmount();

// Stopped while it goes on.
await requester.stream.stop();
writeFileSync(`${desk}/${text}-held.go`, "");
report.error = requester.stream.error ? String(requester.stream.error) : null;
report.ends = requester.runs.filter((one) => ["interrupt", "success", "error"].includes(one));
const reopened = chat(requesterKey, requester.thread);
await until("our word on a run that was stopped", () => reopened.stream && reopened.shown().includes("cancelled"));
report.reopened = rests(reopened);

console.log(JSON.stringify(report));
process.exit(0);
