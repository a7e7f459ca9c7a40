// A run that something breaks in the middle: node reconnect.mjs PACKAGE URL KEY TEXT
// Goes on by itself where the SDK does so, and else from the last id that it has; where a crash left it open whether a
// tool ran, it says that it did not. Says every event that came, in order, part by part of the run.
import { randomUUID } from "node:crypto";

const [, , sdk, apiUrl, apiKey, text] = process.argv;
const { Client } = await import(sdk);
const client = new Client({ apiUrl, apiKey });
const { thread_id: thread } = await client.threads.create({ graphId: "desk" });
const turns = [[{ tool: "note", args: { text, hold: "before" } }], [{ tool: "note", args: { text } }]];
const input = { messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }] };

const parts = [];
let run;
let id;
let asked;
async function follow(stream) {
  for await (const chunk of stream) {
    if (!chunk.event) continue;
    id = chunk.id ?? id;
    asked = chunk.data?.__interrupt__?.[0].id ?? asked;
    const said = chunk.event === "updates" ? Object.values(chunk.data)[0].messages?.[0].id : chunk.data?.messages?.length;
    parts.at(-1).push([chunk.event, said ?? null]);
  }
}
const streamMode = ["values", "updates"];
const ended = () => parts.at(-1)?.at(-1)?.[0] === "end";

async function part(payload) {
  parts.push([]);
  let next = () => client.runs.stream(thread, "desk", { ...payload, streamMode, onRunCreated: (made) => (run = made.run_id) });
  for (let broke = 0; !ended(); broke += 1) {
    try {
      await follow(next());
    } catch (error) {
      // A gateway that was killed takes a while to come back.
      if (broke > 120) throw error;
    }
    if (!ended()) await new Promise((again) => setTimeout(again, 500));
    next = () => client.runs.joinStream(thread, run, { lastEventId: id, streamMode });
  }
}
await part({ input });
if (asked) await part({ command: { resume: { [asked]: "not_run" } } });
console.log(JSON.stringify({ parts }));
process.exit(0);
