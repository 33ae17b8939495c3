import assert from 'node:assert/strict';
import { jujuUrl } from '../../../src/adapters/juju/dial.ts';
import { hasCode } from '../../../src/errors.ts';

describe('the address of a Juju controller', () => {
  const forms = {
    '10.152.183.5:17070': '10.152.183.5:17070',
    '10.152.183.5': '10.152.183.5:17070',
    ' controller-service.controller-k8s.svc.cluster.local:17070 ':
      'controller-service.controller-k8s.svc.cluster.local:17070',
    '[fd00::1]:17070': '[fd00::1]:17070',
    'fd00::1': '[fd00::1]:17070',
    'fd00::1:17071': '[fd00::1]:17071',
    'juju.example.com:443': 'juju.example.com',
  };
  for (const [text, host] of Object.entries(forms))
    it(`may be written as "${text}"`, () => {
      assert.equal(jujuUrl(text, 'b3c1').href, `wss://${host}/model/b3c1/api`);
    });

  for (const text of ['', 'https://controller:17070', 'controller:port', 'a b:1', 'user@host:1'])
    it(`may not be "${text}"`, () => {
      assert.throws(
        () => jujuUrl(text, 'b3c1'),
        (error) => hasCode(error, 'juju-credentials-invalid'),
      );
    });
});
