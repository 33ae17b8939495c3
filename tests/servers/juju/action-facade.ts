import { isOver, type TaskState } from '../../sandbox/model-state.ts';
import type { Call, JujuMethod } from './methods.ts';
import { listOf, mapOf, numberOf, refusalAsFailure, tagsOf, textOf } from './parameters.ts';
import { JujuFailure, zeroTime } from './release.ts';

const pageSize = 500;

/** The facade Action, version 7 (apiserver/facades/client/action). */
export const actionMethods: Readonly<Record<string, JujuMethod>> = {
  'Action.EnqueueOperation': { needs: 'write', run: enqueueOperation },
  'Action.Actions': {
    needs: 'read',
    run: ({ model, params }) => ({
      results: tagsOf(params).map((tag) =>
        itemOf(() => taskReply(model.task(tag.replace(/^action-/, '')))),
      ),
    }),
  },
  'Action.Cancel': {
    needs: 'write',
    run: ({ model, params }) => ({
      results: tagsOf(params).map((tag) =>
        itemOf(() => {
          const task = model.cancel(tag.replace(/^action-/, ''));
          return model.release.cancelsTasks
            ? taskReply(task)
            : { error: { message: '', code: '' } };
        }),
      ),
    }),
  },
  'Action.Operations': {
    needs: 'read',
    run: ({ model, params }) => ({
      results: tagsOf(params).map((tag) =>
        itemOf(() => {
          const id = tag.replace(/^operation-/, '');
          const task = model.state.tasks.find(({ operation }) => operation === id);
          if (!task) throw new JujuFailure(`operation "${id}" not found`, 'not found');
          return operationReply(task);
        }),
      ),
    }),
  },
  'Action.ListOperations': { needs: 'read', run: listOperations },
  'Action.ApplicationsCharmsActions': {
    needs: 'write',
    run: ({ model, params }) => ({
      results: tagsOf(params).map((tag) =>
        itemOf(() => {
          const actions = model.actions(tag.replace(/^application-/, ''));
          return {
            'application-tag': tag,
            actions: Object.fromEntries(
              [...actions].map(([name, { description = '', parameters = {} }]) => [
                name,
                { description, params: { type: 'object', title: name, properties: parameters } },
              ]),
            ),
          };
        }),
      ),
    }),
  },
};

function enqueueOperation({ model, release, params }: Call) {
  const [item, ...others] = listOf(params['actions']).map(mapOf);
  if (!item || others.length > 0)
    throw new JujuFailure('this controller takes one action a call', 'bad request');
  const receiver = textOf(item['receiver']);
  const action = textOf(item['name']);
  const unit = receiver.replace(/^unit-(.*)-(\d+)$/, '$1/$2');
  try {
    const task = model.enqueue(unit, action, mapOf(item['parameters']));
    return { operation: `operation-${task.operation}`, actions: [taskReply(task)] };
  } catch (error) {
    const failure = refusalAsFailure(error, {
      'no-unit': new JujuFailure(`"${receiver}" not found`, 'not found'),
      'no-action': release.failsWholeCall
        ? new JujuFailure(`action "${action}" not defined for unit "${unit}".`, 'not found')
        : new JujuFailure(`action "${action}" not defined on unit "${unit}"`, ''),
    });
    if (release.failsWholeCall) throw failure;
    // Until 3.6 the operation exists all the same, with nothing in it.
    const operation = `operation-${String(++model.state.lastId)}`;
    const { message, code } = failure;
    return { operation, actions: [{ error: { message, code } }] };
  }
}

/**
 * Sorted by the text of the id, as Mongo does it; `truncated` compares this page with the number of
 * all.
 */
function listOperations({ model, params }: Call) {
  const units = listOf(params['units']).map(textOf);
  const names = listOf(params['actions']).map(textOf);
  const applications = listOf(params['applications']).map(textOf);
  const matching = model.state.tasks
    .filter(({ unit }) => units.length === 0 || units.includes(unit))
    .filter(
      ({ unit }) => applications.length === 0 || applications.includes(unit.replace(/\/\d+$/, '')),
    )
    .filter(({ action }) => names.length === 0 || names.includes(action))
    .sort((one, other) => (one.operation < other.operation ? -1 : 1));
  const offset = numberOf(params['offset']);
  const results = matching.slice(offset, offset + (numberOf(params['limit']) || pageSize));
  return {
    truncated: matching.length > results.length,
    results: results.map(operationReply),
  };
}

const itemOf = (work: () => Readonly<Record<string, unknown>>) => {
  try {
    return work();
  } catch (error) {
    const { message, code } = refusalAsFailure(error, {
      'no-task': new JujuFailure('id not found', 'not found'),
      'no-application': new JujuFailure('application not found', 'not found'),
    });
    return { error: { message, code } };
  }
};

const taskReply = (task: TaskState) => ({
  ...taskSummary(task),
  ...(isOver(task) ? { output: task.output } : {}),
  ...(task.log.length === 0 ? {} : { log: task.log }),
});

const taskSummary = (task: TaskState) => ({
  action: {
    tag: `action-${task.id}`,
    receiver: `unit-${task.unit.replace('/', '-')}`,
    name: task.action,
    parameters: task.parameters,
    parallel: false,
    'execution-group': '',
  },
  ...timesOf(task),
  ...(task.message === '' ? {} : { message: task.message }),
});

const timesOf = ({ enqueued, started, completed, status }: TaskState) => ({
  enqueued,
  started: started ?? zeroTime,
  completed: completed ?? zeroTime,
  status,
});

/** Without output and log, which can be large. */
const operationReply = (task: TaskState) => ({
  operation: `operation-${task.operation}`,
  summary: `${task.action} run on unit-${task.unit.replace('/', '-')}`,
  ...timesOf(task),
  actions: [taskSummary(task)],
});
