// One conversation with one line of the SDK: node client.mjs PACKAGE URL REQUESTER_KEY APPROVER_KEY TEXT
// Says what it saw as one JSON document; the test holds it against what must be.
import { randomUUID } from "node:crypto";

const [, , sdk, apiUrl, requesterKey, approverKey, text] = process.argv;
const { Client } = await import(sdk);
const of = (apiKey) => new Client({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
const requester = of(requesterKey);
const approver = of(approverKey);
const report = {};

const send = (name) => ({ tool: "send", args: { text: `${text}-${name}` } });
const input = (...turns) => ({
  messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }],
});

async function followed(client, thread, payload) {
  const events = [];
  let state;
  let run;
  const options = { ...payload, streamMode: ["values", "messages-tuple"], onRunCreated: (made) => (run = made.run_id) };
  for await (const chunk of client.runs.stream(thread, "desk", options)) {
    events.push(chunk.event);
    if (chunk.event === "values") state = chunk.data;
  }
  return { events, state, run };
}

async function waiting(...turns) {
  const { thread_id: thread } = await requester.threads.create({ graphId: "desk" });
  const seen = await followed(requester, thread, { input: input(...turns) });
  return { thread, seen, interrupt: seen.state.__interrupt__[0] };
}

async function refusal(action) {
  try {
    await action();
    return null;
  } catch (error) {
    return { status: error.status, message: String(error.message) };
  }
}

const last = (state) => state.messages.at(-1).content;
const approve = { decisions: [{ type: "approve" }] };

// Created, streamed to the interrupt, reloaded, searched.
const first = await waiting([send("keyed")], [send("second")]);
report.events = first.seen.events;
report.interrupts = first.seen.state.__interrupt__.length;
report.action = first.interrupt.value.action_requests[0];
const reloaded = await approver.threads.get(first.thread);
report.status = reloaded.status;
report.reloaded = Object.values(reloaded.interrupts).flat()[0].id === first.interrupt.id;
const state = await approver.threads.getState(first.thread);
report.next = state.next;
report.tasks = state.tasks.at(-1).interrupts.length;
const [history] = await approver.threads.getHistory(first.thread);
report.sameCheckpoint = history.checkpoint.checkpoint_id === state.checkpoint.checkpoint_id;
const found = await approver.threads.search({ status: "interrupted", metadata: { graph_id: "desk" }, limit: 100 });
report.found = found.some((thread) => thread.thread_id === first.thread);

// Answered by id, then bare; answered again; answered too late.
const keyed = await followed(approver, first.thread, { command: { resume: { [first.interrupt.id]: approve } } });
report.next_interrupt = keyed.state.__interrupt__[0].id !== first.interrupt.id;
report.runs = new Set([first.seen.run, keyed.run]).size;
const bare = await followed(approver, first.thread, { command: { resume: approve } });
report.done = last(bare.state);
report.cleared = bare.state.__interrupt__ === undefined;
const again = await approver.runs.create(first.thread, "desk", { command: { resume: approve } });
report.again = again.run_id === bare.run;
const other = { [first.interrupt.id]: { decisions: [{ type: "reject" }] } };
report.late = await refusal(() => approver.runs.wait(first.thread, "desk", { command: { resume: other } }));
const joined = await approver.runs.join(first.thread, bare.run);
report.joined = last(joined);
report.listed = (await approver.runs.list(first.thread)).map((run) => run.status);

// Edited in camel case, rejected in the old form.
const edited = await waiting([send("edit")]);
const action = { name: "send", args: { text: `${text}-edited` } };
await approver.runs.wait(edited.thread, "desk", { command: { resume: { decisions: [{ type: "edit", editedAction: action }] } } })
  .catch((error) => (report.notShown = error.status));
await approver.threads.getState(edited.thread);
const edit = await approver.runs.wait(edited.thread, "desk", {
  command: { resume: { decisions: [{ type: "edit", editedAction: action }] } },
});
report.edited = last(edit);
const old = await waiting([send("old")]);
const ignored = await approver.runs.wait(old.thread, "desk", {
  command: { resume: { [old.interrupt.id]: [{ type: "ignore", args: null }] } },
});
report.ignored = last(ignored);

// Reconnected from the start, as useStream does after a reload.
const replayed = [];
for await (const chunk of approver.runs.joinStream(first.thread, bare.run, { lastEventId: "-1" })) {
  replayed.push(chunk.event);
}
report.replayed = replayed;

// Stopped.
const stopped = await waiting([send("stopped")]);
report.stranger = await refusal(() => approver.runs.cancel(stopped.thread, stopped.seen.run));
await requester.runs.cancel(stopped.thread, stopped.seen.run, true);
report.stopped = (await requester.threads.get(stopped.thread)).status;
report.unknown = await refusal(() => requester.threads.get(randomUUID()));

console.log(JSON.stringify(report));
