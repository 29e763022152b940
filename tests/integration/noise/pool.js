// Clients of one pool in turn: queries, transactions that are left open or fail, and a reset as applications write it.
// The address comes from the environment (PGHOST, ...).
'use strict';
const assert = require('assert');
const { Pool } = require('pg');

async function main() {
  const pool = new Pool({ max: 3, statement_timeout: 9000, application_name: 'noise' });
  // Three at a time, each holding its client across several round trips.
  const work = async (number) => {
    const client = await pool.connect();
    try {
      assert.strictEqual((await client.query('select $1::int as n', [number])).rows[0].n, number);
      assert.strictEqual((await client.query('show statement_timeout')).rows[0].statement_timeout, '9s');
      await client.query('begin');
      if (number % 3 === 0) await assert.rejects(client.query('select 1/0'), { code: '22012' });
      await client.query('rollback');
      await client.query('discard all');
      await client.query('reset all');
    } finally {
      client.release();
    }
  };
  for (let round = 0; round < 5; ++round) await Promise.all([0, 1, 2].map((n) => work(3 * round + n)));
  await pool.end();
  console.log('pool.js: all done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
