// Runs one payout of the page's workflow, with a worker of its own, and prints what came of it; takes up one that runs.
//
// Its arguments: the address of Temporal, a task queue, the id of the workflow, and the arguments of the payout as JSON.
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import * as activities from './activities.js';

const [address, taskQueue, workflowId, args] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('WARN', (entry) => console.error(entry.message)) });
const workflowsPath = new URL('./payouts.ts', import.meta.url).pathname;
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowsPath,
  activities,
});
const client = new Client({ connection: await Connection.connect({ address }) });
const started = client.workflow.execute('payout', {
  taskQueue,
  workflowId,
  workflowIdConflictPolicy: 'USE_EXISTING',
  args: [JSON.parse(args)],
});
console.log(await worker.runUntil(started));
process.exit(0);
