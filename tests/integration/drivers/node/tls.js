// One connection of node-postgres through TLS, as the JSON in the first argument says: ca, cert, key (file names),
// verify, direct, bind. Prints what became of it as one line of JSON.
'use strict';
const fs = require('fs');
const { Client } = require('pg');

const wanted = JSON.parse(process.argv[2]);
const read = (name) => (name ? fs.readFileSync(name, 'utf8') : undefined);

function options() {
  if (!wanted.tls) return { ssl: false };
  return {
    ssl: { rejectUnauthorized: Boolean(wanted.verify), ca: read(wanted.ca), cert: read(wanted.cert), key: read(wanted.key) },
    sslnegotiation: wanted.direct ? 'direct' : 'postgres',
    enableChannelBinding: Boolean(wanted.bind),
  };
}

async function main() {
  const client = new Client(options());
  try {
    await client.connect();
    const { rows } = await client.query('select 41 + $1::int as n', [1]);
    const stream = client.connection.stream;
    console.log(JSON.stringify({ n: rows[0].n, encrypted: Boolean(stream.encrypted), bound: client.saslMechanism }));
    await client.end();
  } catch (error) {
    console.log(JSON.stringify({ error: error.message, code: error.code }));
    client.connection.stream.destroy();
  }
}

main();
