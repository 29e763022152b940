// What a program does with node-postgres: queries, transactions, errors, named statements, a pool, cancel.
// The address comes from the environment (PGHOST, ...). Any failure ends it with exit code 1.
'use strict';
const assert = require('assert');
const { Client, Pool } = require('pg');

async function fails(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.strictEqual(error.code, code, `${error.code} ${error.message}`);
    return true;
  });
}

async function queries() {
  const client = new Client();
  await client.connect();
  assert.deepStrictEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
  assert.deepStrictEqual((await client.query('select $1::int + 1 as n', [41])).rows, [{ n: 42 }]);
  const both = await client.query('select 1 as a; select 2 as b');
  assert.deepStrictEqual(both.map((result) => result.rows), [[{ a: 1 }], [{ b: 2 }]]);
  await fails(client.query('selekt 1'), '42601');
  await fails(client.query('select 1 / $1::int', [0]), '22012');
  assert.strictEqual((await client.query('select $1::text as t', ['after'])).rows[0].t, 'after');
  const notices = [];
  client.on('notice', (notice) => notices.push(notice.message));
  await client.query("do $$ begin raise notice 'noted'; end $$");
  assert.deepStrictEqual(notices, ['noted']);
  await client.end();
}

async function transactions() {
  const client = new Client();
  await client.connect();
  await client.query('drop table if exists node_items');
  await client.query('create table node_items (id int primary key, v text)');
  await client.query('begin');
  await client.query('insert into node_items values ($1, $2)', [1, 'a']);
  await client.query('commit');
  await client.query('begin');
  await fails(client.query('insert into node_items values ($1, $2)', [1, 'b']), '23505');
  await fails(client.query('select 1'), '25P02');
  await client.query('rollback');
  assert.strictEqual((await client.query('select count(*)::int as n from node_items')).rows[0].n, 1);
  await client.query('drop table node_items');
  await client.end();
}

async function statements() {
  const clients = [new Client(), new Client(), new Client()];
  for (const client of clients) await client.connect();
  for (let turn = 0; turn < 20; ++turn) {
    for (const [number, client] of clients.entries()) {
      const result = await client.query({
        name: 'same-name', text: `select ${number}::int as number, $1::int as turn`, values: [turn],
      });
      assert.deepStrictEqual(result.rows, [{ number, turn }]);
    }
  }
  await fails(clients[0].query({ name: 'bad', text: 'select * from missing', values: [] }), '42P01');
  assert.strictEqual((await clients[0].query({ name: 'good', text: 'select 1 as n', values: [] })).rows[0].n, 1);
  for (const client of clients) await client.end();
}

async function poolOfClients() {
  const pool = new Pool({ max: 20 });
  const work = async (number) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query('select $1::int as n', [number]);
      await client.query(number % 3 ? 'commit' : 'rollback');
      return rows[0].n;
    } finally {
      client.release();
    }
  };
  const numbers = [...Array(200).keys()];
  assert.deepStrictEqual(await Promise.all(numbers.map(work)), numbers);
  await pool.end();
}

async function cancel() {
  const client = new Client();
  await client.connect();
  const query = client.query('select pg_sleep(30)');
  // node-postgres cancels with a connection of its own that sends the key of the first.
  const timer = setInterval(() => {
    const one = new Client();
    one.connection.on('error', () => {});
    one.cancel(client, client.activeQuery);
  }, 200);
  await fails(query, '57014');
  clearInterval(timer);
  for (let turn = 0; turn < 20; ++turn) {
    // A cancel may still be on its way; it may end one more statement, and no more than that.
    try {
      assert.strictEqual((await client.query('select 1 as n')).rows[0].n, 1);
    } catch (error) {
      assert.strictEqual(error.code, '57014');
    }
  }
  await client.end();
}

async function settings() {
  const client = new Client({ application_name: 'node', options: '-c work_mem=5MB', statement_timeout: 7000 });
  const other = new Client();
  await client.connect();
  await other.connect();
  for (let turn = 0; turn < 3; ++turn) {
    assert.strictEqual((await client.query('show work_mem')).rows[0].work_mem, '5MB');
    assert.strictEqual((await client.query('show statement_timeout')).rows[0].statement_timeout, '7s');
    assert.strictEqual((await other.query('show work_mem')).rows[0].work_mem, '4MB');
  }
  await client.end();
  await other.end();
}

(async () => {
  for (const step of [queries, transactions, statements, poolOfClients, settings, cancel]) {
    await step();
    console.log(`${step.name}: done`);
  }
  console.log('node-postgres: all done');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
