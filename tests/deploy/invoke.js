// As invoke.py, for Node: invoke.js MODULE.js
'use strict';

const { handler } = require(process.argv[2]);

async function main() {
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const answer = await handler(JSON.parse(line), {}).then((result) => ({ result }), (error) => ({ error: String(error) }));
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}
main();
