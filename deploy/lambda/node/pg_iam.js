// A function that writes through pgweir with node-postgres, by its own role: no password anywhere.
//
// Environment: DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_CA_FILE (who has signed pgweir's certificate; part of the deployment
// package) and PGWEIR_SERVER_ID (aws.iam.server_id of its configuration). The role's credentials are in the environment
// already; pgweir_iam.mjs of deploy/lambda/iam/, beside this file, signs with them.
'use strict';

const fs = require('fs');
const { Pool } = require('pg');

const helper = import('./pgweir_iam.mjs');

const pool = new Pool({
  host: process.env.DB_HOST,
  port: Number(process.env.DB_PORT),
  database: process.env.DB_NAME,
  user: process.env.DB_USER,
  // A token is good for a login within 15 minutes, so each connection takes a new one; making it asks nobody.
  password: async () => (await helper).token(process.env.PGWEIR_SERVER_ID),
  // A token is a password: without this, somebody in between has it.
  ssl: { ca: fs.readFileSync(process.env.DB_CA_FILE) },
  max: 1, // an environment serves one request at a time
  idleTimeoutMillis: 0, // timers stand still while it is frozen; pgweir keeps idle clients cheaply
  connectionTimeoutMillis: 5000,
  application_name: process.env.AWS_LAMBDA_FUNCTION_NAME || 'local',
});
// An idle connection that ends is dropped by the pool; without a listener it would end the process.
pool.on('error', () => {});

// Runs work(client) in a transaction. A connection that was closed while this environment was frozen looks open until it
// is used: BEGIN finds out, before anything has been done, and the next one is new.
async function transaction(work) {
  let client = await pool.connect();
  try {
    await client.query('BEGIN');
  } catch (error) {
    client.release(error);
    client = await pool.connect();
    await client.query('BEGIN').catch((again) => {
      client.release(again);
      throw again;
    });
  }
  try {
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    const failed = await client.query('ROLLBACK').then(() => undefined, (lost) => lost);
    client.release(failed);
    throw error;
  }
}

exports.handler = async (event) => transaction(async (client) => {
  const { rows } = await client.query('INSERT INTO visits (name) VALUES ($1) RETURNING id', [event.name]);
  return { id: rows[0].id };
});
