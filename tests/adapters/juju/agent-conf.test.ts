import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAgentConf } from '../../../src/adapters/juju/agent-conf.ts';
import { CharmError } from '../../../src/errors.ts';

describe("the agent's own configuration", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agent-'));
    path = join(folder, 'agent.conf');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("tells the controller's certificate and addresses, and nothing else", async () => {
    await writeFile(
      path,
      `# format 2.0
tag: unit-ckf-backup-0
controller: controller-9f7a5c1e
apiaddresses:
- 10.152.183.5:17070
- '[fd00::5]:17070'
apipassword: hush
upgradedToVersion: 3.6.4
cacert: |
  -----BEGIN CERTIFICATE-----
  MIIB
  -----END CERTIFICATE-----
`,
    );
    assert.deepEqual(await readAgentConf(path), {
      caCert: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      apiAddresses: ['10.152.183.5:17070', '[fd00::5]:17070'],
    });
  });

  for (const [what, text] of [
    ['is not YAML', 'apipassword: hush\n\t- {'],
    ['has no certificate', 'apipassword: hush\n'],
    ['is empty', ''],
  ] as const)
    it(`says what to do when it ${what}, and quotes nothing of it`, async () => {
      await writeFile(path, text);
      await assert.rejects(readAgentConf(path), (error) => {
        assert.ok(error instanceof CharmError);
        assert.equal(error.code, 'juju-credentials-invalid');
        assert.match(error.message, /ca-cert/);
        assert.ok(!error.message.includes('hush') && error.cause === undefined);
        return true;
      });
    });

  it('says what to do when it is not there', async () => {
    await assert.rejects(readAgentConf(path), /agent\.conf.*ca-cert/);
  });
});
