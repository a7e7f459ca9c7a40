// Every form of an answer by one line of the SDK, and two who race: node answers.mjs PACKAGE URL REQUESTER_KEY A_KEY TEXT B_KEY
// Says what became of each as one JSON document.
import { randomUUID } from "node:crypto";

const [, , sdk, apiUrl, requesterKey, aKey, text, bKey] = process.argv;
const { Client } = await import(sdk);
const of = (apiKey) => new Client({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
const [requester, approver, other] = [requesterKey, aKey, bKey].map(of);

async function waiting(call) {
  const { thread_id: thread } = await requester.threads.create({ graphId: "desk" });
  const messages = [{ type: "human", id: randomUUID(), content: JSON.stringify([[call]]) }];
  const state = await requester.runs.wait(thread, "desk", { input: { messages } });
  return { thread, id: state.__interrupt__[0].id };
}
const send = (name) => ({ tool: "send", args: { text: `${text}-${name}` } });
const ask = { tool: "ask_human", args: { questions: [{ question: "Which?", options: ["Savings", "Current"] }] } };
const edited = { name: "send", args: { text: `${text}-edited` } };
const approve = { type: "approve" };

const forms = {
  "by id": (id) => ({ [id]: { decisions: [approve] } }),
  decisions: () => ({ decisions: [approve] }),
  "one decision": () => approve,
  "old list": () => [{ type: "accept", args: null }],
  camel: () => ({ decisions: [{ type: "edit", editedAction: edited }] }),
  question: () => "current",
};
const report = {};
for (const [form, answer] of Object.entries(forms)) {
  const { thread, id } = await waiting(form === "question" ? ask : send(form.replace(" ", "-")));
  // A bare answer is about what its sender was shown.
  await approver.threads.getState(thread);
  const state = await approver.runs.wait(thread, "desk", { command: { resume: answer(id) } });
  report[form] = state.messages.at(-1).content;
}

const { thread, id } = await waiting(send("raced"));
const answer = { command: { resume: forms["by id"](id) } };
const raced = await Promise.allSettled([approver, other].map((one) => one.runs.wait(thread, "desk", answer)));
report.raced = raced.map((one) => (one.status === "fulfilled" ? 200 : one.reason.status)).sort();
console.log(JSON.stringify(report));
