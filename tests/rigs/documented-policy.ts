import { textOf } from '../checkout/checkout.ts';

interface Policy {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }[];
}

/** The policy of docs/how-to/ransomware.md, for another bucket and path than those of the page. */
export const documentedPolicy = (bucket = 'ckf-backups', path = 'kubeflow'): Policy => {
  const [, json = ''] = /```json\n([^]*?)\n```/.exec(textOf('docs/how-to/ransomware.md')) ?? [];
  return JSON.parse(
    json
      .replaceAll(':::ckf-backups/kubeflow', `:::${bucket}/${path}`)
      .replaceAll(':::ckf-backups', `:::${bucket}`),
  ) as Policy;
};

/** Which keys it lets be deleted, as regular expressions. */
export const deletablePatterns = (path?: string): readonly string[] =>
  documentedPolicy('b', path)
    .Statement.filter(({ Action }) => Action.includes('s3:DeleteObject'))
    .flatMap(({ Resource }) => Resource)
    .map(
      (resource) =>
        `^${resource.replace('arn:aws:s3:::b/', '').replaceAll('.', '\\.').replaceAll('*', '.*')}$`,
    );
