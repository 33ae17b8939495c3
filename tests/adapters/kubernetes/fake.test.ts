import { CharmError } from '../../../src/errors.ts';
import { contractKind, contractWorkflows, kubernetesContract } from '../../contracts/kubernetes.ts';
import { FakeKubernetes, type FakeCommand, type FakeOutcome } from '../../fakes/kubernetes.ts';

/** What the contract's few commands do. */
const run = ({ command: [program, ...words], stdin }: FakeCommand): FakeOutcome => {
  if (program === 'head') return { stdout: stdin.subarray(0, Number(words[1])) };
  if (program !== 'sh') return { exitCode: 127 };
  if (words[1]?.includes('exit 3')) return { exitCode: 3, stdout: 'out\n', stderr: 'error\n' };
  return { stdout: endless() };
};

async function* endless(): AsyncGenerator<Buffer> {
  yield Buffer.from('started\n');
  await new Promise((resolve) => setTimeout(resolve, 200).unref());
  throw new CharmError('kubernetes-unreachable', 'nobody stopped the command');
}

describe('the Kubernetes fake', () => {
  kubernetesContract(async () => {
    const kubernetes = new FakeKubernetes();
    kubernetes.onExec = run;
    kubernetes.addPod('mlmd-0', [
      { name: 'charm', mounts: new Map([['data', '/volume']]) },
      { name: 'mlmd-grpc-server', mounts: new Map([['data', '/data']]) },
    ]);
    kubernetes.addResources(
      contractKind,
      ...Array.from({ length: contractWorkflows }, (_, index) => ({
        name: `workflow-${index}`,
        namespace: index % 2 === 0 ? 'a' : 'b',
        labels: { done: String(index % 3 === 0) },
      })),
    );
    return { kubernetes, [Symbol.asyncDispose]: async () => kubernetes[Symbol.asyncDispose]() };
  });
});
