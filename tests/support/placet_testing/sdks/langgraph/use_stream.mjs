// Two people with a page that uses `useStream`: node use_stream.mjs PACKAGE URL REQUESTER_KEY APPROVER_KEY TEXT
// One starts a run; the other opens its thread later, as after a reload, and decides. Says what both saw.
import { randomUUID } from "node:crypto";
import { page, until } from "./pages.mjs";

const [, , sdk, apiUrl, requesterKey, approverKey, text] = process.argv;
const { useStream } = await import(`${sdk}/react`);

const chat = (apiKey, threadId) =>
  page((seen) =>
    useStream({
      apiUrl,
      apiKey,
      assistantId: "desk",
      threadId,
      fetchStateHistory: true,
      onThreadId: (made) => (seen.thread = made),
      onCreated: (run) => seen.runs.push(run.run_id),
      onError: (error) => seen.errors.push(String(error)),
    }),
  );

const requester = chat(requesterKey, undefined);
await until("a page", () => requester.stream);
const turns = ["first", "second"].map((name) => [{ tool: "send", args: { text: `${text}-${name}` } }]);
const message = { type: "human", id: randomUUID(), content: JSON.stringify(turns) };
requester.stream.submit({ messages: [message] });
await until("the first interrupt", () => !requester.stream.isLoading && requester.stream.interrupt?.id);
const first = requester.stream.interrupt;
requester.root.unmount();

const approver = chat(approverKey, requester.thread);
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
