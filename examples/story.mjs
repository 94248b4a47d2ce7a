// A session from its check to a settled conflict: node story.mjs WORKSPACE ELSEWHERE AGENCY, with AGENCY as sqlite:PATH.
import { clone, pull, push, resolve, validate, write } from 'idse-core';

const [root, elsewhere, remote] = process.argv.slice(2);
if (!remote) throw new Error('usage: story.mjs WORKSPACE ELSEWHERE AGENCY');
const [here, there] = [{ root, remote }, { root: elsewhere, remote }];
const intent = (root, text) => write({ root, stage: 'intent', text: `# Intent\n\n${text}\n` });

// No connection is opened: the findings are in the files.
const { summary } = await validate({ root, stages: ['intent', 'spec'] });
console.log('errors:', summary.errors);
// What the agency does not have yet goes there, and from there into another workspace.
console.log('push:', (await push(here)).outcome);
console.log('clone:', (await clone({ ...there, name: 'customer-portal' })).project);

// Both write the same line. Whoever pushes second finds out, and nothing is overwritten.
await intent(root, 'Invoices on paper.');
console.log('push:', (await push(here)).outcome);
await intent(elsewhere, 'Invoices on screen.');
const report = await pull({ ...there, onProgress: ({ doing, what }) => console.error(doing, what) });
console.log('pull elsewhere:', report.outcome);

// A person decides, and the next push is an ordinary one.
for (const { stage } of report.conflicts) {
  const answer = await resolve({ ...there, stage, text: '# Intent\n\nInvoices on paper, and on screen.\n' });
  console.log('resolve:', answer.resolution);
}
console.log('push elsewhere:', (await push(there)).outcome);
console.log('pull:', (await pull(here)).outcome);
