// The one executable behind every hook tool: the agent writes it, with its own Node in the first line, beside links
// that are named as Juju's tools. Like Juju's own it asks the agent over a socket and reads stdin only when told to.
import { connect } from 'node:net';
import { basename } from 'node:path';

const ask = (request) =>
  new Promise((resolve, reject) => {
    const socket = connect(process.env['JUJU_AGENT_SOCKET_ADDRESS'] ?? '');
    let reply = '';
    socket.setEncoding('utf8').on('error', reject);
    socket.on('data', (text) => (reply += text)).on('end', () => resolve(JSON.parse(reply)));
    socket.write(`${JSON.stringify(request)}\n`);
  });

const readStdin = async () => {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
};

const contextId = process.env['JUJU_CONTEXT_ID'];
if (!contextId) {
  process.stderr.write('ERROR JUJU_CONTEXT_ID not set\n');
  process.exitCode = 1;
} else {
  const request = {
    contextId,
    tool: basename(process.argv[1] ?? ''),
    arguments: process.argv.slice(2),
  };
  try {
    let reply = await ask(request);
    if (reply.wantsStdin) reply = await ask({ ...request, stdin: await readStdin() });
    process.stdout.write(reply.stdout);
    process.stderr.write(reply.stderr);
    process.exitCode = reply.exitCode;
  } catch (error) {
    process.stderr.write(`ERROR ${error.message}\n`);
    process.exitCode = 1;
  }
}
