import { says } from '../../wordings.ts';
import type { Databag, HookTools } from '../../world.ts';
import { parseDatabag, parseStrings, readBindAddress } from './output.ts';
import { HookToolError, type RunTool } from './run-tool.ts';

type RelationTools = Pick<
  HookTools,
  | 'relationIds'
  | 'remoteApplication'
  | 'applicationData'
  | 'setApplicationData'
  | 'remoteUnitsData'
  | 'setUnitData'
  | 'bindAddress'
>;

/** Runs a hook tool and parses the JSON that it prints. */
export type AskTool = (tool: string, ...argv: readonly string[]) => Promise<unknown>;

/**
 * The part of the hook tools that deals with relations. A relation may go while a hook runs. Then
 * there is nothing to read, and nothing to write.
 */
export const createRelationTools = ({
  run,
  json,
  hiding,
}: {
  readonly run: RunTool;
  readonly json: AskTool;
  /** Marks what is secret in a databag, so that no text shows it. */
  readonly hiding: (databag: Databag) => Databag;
}): RelationTools => {
  const databag = async (...argv: readonly string[]): Promise<Databag> =>
    hiding(
      parseDatabag(
        'relation-get',
        await unlessGone(json('relation-get', '-r', ...argv), undefined),
      ),
    );
  return {
    relationIds: async (endpoint) =>
      parseStrings('relation-ids', await json('relation-ids', endpoint)),
    remoteApplication: async (relationId) => {
      const name = await unlessGone(json('relation-list', '-r', relationId, '--app'), undefined);
      return typeof name === 'string' && name !== '' ? name : undefined;
    },
    applicationData: (relationId, application) => databag(relationId, '--app', '-', application),
    setApplicationData: async (relationId, data) => {
      if (Object.keys(data).length === 0) return;
      const argv = ['-r', relationId, '--app', '--file', '-'];
      await unlessGone(run('relation-set', argv, JSON.stringify(data)), undefined);
    },
    remoteUnitsData: async (relationId) => {
      const units = await unlessGone(json('relation-list', '-r', relationId), []);
      const bags: Databag[] = [];
      for (const unit of parseStrings('relation-list', units))
        bags.push(await databag(relationId, '-', unit));
      return bags;
    },
    setUnitData: async (relationId, data) => {
      const argv = ['-r', relationId, '--file', '-'];
      await unlessGone(run('relation-set', argv, JSON.stringify(data)), undefined);
    },
    bindAddress: async (endpoint) => readBindAddress(await json('network-get', endpoint)),
  };
};

const unlessGone = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HookToolError && says(error.reason, 'relationGone')) return otherwise;
    throw error;
  }
};
