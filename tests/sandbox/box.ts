import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JujuController, startJujuController } from '../servers/juju/controller.ts';
import { jujuReleases } from '../servers/juju/release.ts';
import type { JujuUser } from '../servers/juju/users.ts';
import { type KubernetesServer, startKubernetes } from '../servers/kubernetes/kubernetes.ts';
import type { DispatchResult, UnitAgent } from '../servers/unit-agent/unit-agent.ts';
import type { UnitAgentState } from '../servers/unit-agent/state.ts';
import { type ActionRun, backupActions, type StartedAction } from './box/actions.ts';
import { type BackupUnit, comeBack, startBackupUnit } from './box/backup-unit.ts';
import { addApplications, type Databases } from './box/applications.ts';
import { configure, type Options } from './box/configure.ts';
import { deploy } from './box/deploy.ts';
import { lockDirectory } from './box/directory-lock.ts';
import { type Mlmd, startMlmd } from './box/mlmd.ts';
import { startFurtherUnits } from './box/further-units.ts';
import type { Neighbours } from './box/neighbours.ts';
import { setQuietCluster } from './box/quiet-cluster.ts';
import { disintegrate, integrate, integrationOf, settle } from './box/relations.ts';
import { newSettings, type Settings } from './box/settings.ts';
import { startStores, type Stores } from './box/stores.ts';
import { createModel, type Model } from './model.ts';
import type { ModelState } from './model-state.ts';
import { readSaved, save } from './saved-state.ts';

/**
 * Charmed Kubeflow's model on loopback, with everything that ckf-backup meets, and ckf-backup/0 in
 * it, whose real `dispatch` is run.
 *
 *   await using box = await startBox({ directory, mysql: '8.0-344', small: true });
 *   const run = await box.run('backup-control-plane');   // as juju run: status, results, log
 *   await box.configure({ 'database-units': 1 });        // as juju config
 *   box.databases['kfp-db'].faults.uploadFails = true;
 *   await box.hook('update-status');
 *
 * The box lives in its directory: started there again, it goes on as after a restart of all pods. A
 * directory may be copied.
 */
export interface Box extends AsyncDisposable {
  readonly model: Model;
  readonly controller: JujuController;
  readonly kubernetes: KubernetesServer;
  readonly stores: Stores;
  readonly databases: Databases;
  /** The live database of ML Metadata, and who writes to it. */
  readonly mlmd: Mlmd;
  /** The Juju users, alive: change them to revoke a grant. */
  readonly users: Record<string, JujuUser>;
  readonly neighbours: Neighbours;
  readonly unit: BackupUnit;
  /** The agents of the other units of ckf-backup, by their names. */
  readonly furtherUnits: ReadonlyMap<string, UnitAgent>;
  /** Sends a signal to the process of the action that a unit runs. Returns whether there is one. */
  signal(unit: string, name: NodeJS.Signals): boolean;
  /** Below which the charm's objects lie. */
  readonly prefix: string;
  /** Every password and key, by what it is. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The scale of each application. */
  scales(): Readonly<Record<string, number>>;
  start(action: string, parameters?: Readonly<Record<string, unknown>>): StartedAction;
  run(action: string, parameters?: Readonly<Record<string, unknown>>): Promise<ActionRun>;
  hook(name: string): Promise<DispatchResult>;
  /** Sets options of ckf-backup, with the hooks that follow. Undefined resets one. */
  configure(options: Options): Promise<void>;
  integrate(endpoint: string): Promise<void>;
  disintegrate(endpoint: string): Promise<void>;
  settle(): Promise<void>;
}

export interface BoxOptions extends Partial<Omit<Settings, 'keys' | 'modelUuid'>> {
  readonly directory: string;
  /** Milliseconds that a slow step of the other charms takes. */
  readonly pace?: number;
  /** Units of ckf-backup; those after the first one are not saved. */
  readonly units?: number;
  /** The directory of an unpacked charm; the checkout by default. */
  readonly charm?: string;
  /** Called with each command of a deployment, as an operator would type it. */
  readonly onCommand?: (command: string) => void;
  /** Called with each line of the running action's log. */
  readonly onLog?: (line: string) => void;
  /** Added to the environment that Juju gives to hooks and actions. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Saved {
  readonly settings: Settings;
  readonly model: ModelState;
  readonly unit: UnitAgentState;
}

export const startBox = async (options: BoxOptions): Promise<Box> => {
  const { directory, pace = 250, onCommand = () => undefined, onLog = () => undefined } = options;
  mkdirSync(directory, { recursive: true });
  await using resources = new AsyncDisposableStack();
  resources.use(lockDirectory(directory));
  const file = join(directory, 'box.json');
  const saved = readSaved<Saved>(file, ['settings', 'model', 'unit']);
  const building = join(directory, 'building');
  if (saved === undefined) {
    if (existsSync(building)) clear(directory);
    writeFileSync(building, '');
  }
  const settings = saved?.settings ?? newSettings(options);
  const { keys } = settings;

  const model = createModel({
    uuid: settings.modelUuid,
    pace,
    line: settings.juju,
    // In life it is five minutes, and each backup meets it a few times.
    updateStatusEvery: 12 * pace,
    ...(saved && { saved: saved.model }),
  });
  resources.defer(() => {
    model.stop();
  });
  const kubernetes = resources.use(await startKubernetes({ token: keys.kubernetesToken }));
  setQuietCluster(kubernetes);
  const users: Record<string, JujuUser> = {
    'ckf-backup': { password: keys.jujuPassword, access: 'write' },
  };
  const controller = resources.use(
    await startJujuController({ model, line: settings.juju, users }),
  );
  const stores = resources.use(await startStores(directory, settings));
  const mlmd = resources.use(await startMlmd(directory, settings, kubernetes));

  const databases = addApplications(model, directory, settings, pace);
  const neighbours: Neighbours = {
    s3Integrator: stores.s3Integrator,
    minio: stores.minioAddress,
    databases,
  };

  const actions = backupActions((name) => furtherUnits.get(name) ?? unit.agent);
  model.addApplication({ name: 'ckf-backup', charm: 'ckf-backup', actions: actions.handlers });
  const { server, token, ca } = kubernetes.access;
  // Of a controller with several units one may be down.
  const known = { addresses: ['127.0.0.1:1', controller.endpoint], ca: controller.ca };
  const unit = await startBackupUnit({
    model,
    jujuVersion: jujuReleases[settings.juju].version,
    charm: options.charm,
    journal: join(directory, 'journal'),
    saved: saved?.unit,
    controller: known,
    credential: { endpoint: server, token, ca },
    onLog,
    environment: options.environment ?? {},
  });
  const furtherUnits = resources.use(
    await startFurtherUnits({
      ...{ model, directory, first: unit, units: options.units ?? 1, charm: options.charm },
      ...{ controller: known, environment: options.environment ?? {} },
    }),
  );
  const keep = () => {
    const now: Saved = { settings, model: model.save(), unit: unit.agent.state };
    save(file, now);
  };
  const running = new Set<StartedAction>();
  resources.defer(async () => {
    for (const action of running) action.cancel();
    await unit[Symbol.asyncDispose]();
    keep();
  });

  const settleAll = () => settle(model, unit, neighbours);
  const box: Box = {
    model,
    controller,
    kubernetes,
    stores,
    databases,
    mlmd,
    users,
    neighbours,
    unit,
    furtherUnits,
    signal: (name, signal) => actions.signal(name, signal),
    prefix: model.state.name,
    secrets: { ...keys },
    scales: () =>
      Object.fromEntries(
        Object.values(model.state.applications).map(({ name, scale }) => [name, scale]),
      ),
    start(action, parameters = {}) {
      const started = actions.start(model, unit.name, action, parameters);
      running.add(started);
      void started.done.finally(() => running.delete(started)).catch(() => undefined);
      return started;
    },
    async run(action, parameters) {
      const run = await box.start(action, parameters).done;
      unit.showStatus();
      await settleAll();
      keep();
      return run;
    },
    async hook(name) {
      const result = await unit.hook({ hook: name });
      await settleAll();
      return result;
    },
    async configure(changes) {
      configure(unit.agent.state, changes);
      await box.hook('config-changed');
    },
    integrate: (endpoint) => integrate(model, unit, neighbours, integrationOf(endpoint)),
    disintegrate: (endpoint) => disintegrate(model, unit, neighbours, endpoint),
    settle: settleAll,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
  if (saved === undefined) {
    await deploy(model, unit, neighbours, settings, onCommand);
  } else {
    await comeBack(unit);
    await settleAll();
  }
  keep();
  rmSync(building, { force: true });
  const opened = resources.move();
  return box;
};

/** A box whose deployment was interrupted is built again, with other passwords. */
const clear = (directory: string): void => {
  for (const name of readdirSync(directory))
    if (name !== 'pid') rmSync(join(directory, name), { recursive: true });
};
