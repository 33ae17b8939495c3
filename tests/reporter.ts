import { relative } from 'node:path';
import Mocha from 'mocha';
import { radosGwPackages, radosGwVersion } from './servers/s3/radosgw.ts';
import { s3Places } from './servers/s3/places.ts';

/** The `dot` reporter, closing with the one line that every CI reads: `N passed, N failed`. */
export default class Reporter extends Mocha.reporters.Dot {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const told: string[] = [];
    // At once, because the whole takes long and the details come at its end.
    runner.on('fail', (test, error: Error) => {
      const [line = ''] = error.message.split('\n');
      process.stdout.write(`\n  failed: ${test.fullTitle()}: ${line}\n  `);
      told.push(`failed: ${test.fullTitle()}:\n  ${error.message.slice(0, 9000)}\n`);
    });
    const seconds = new Map<string, number>();
    const add = ({ file = '', duration = 0 }: Mocha.Runnable): void => {
      const name = relative(process.cwd(), file);
      seconds.set(name, (seconds.get(name) ?? 0) + duration / 1000);
    };
    runner.on('test end', add).on('hook end', add);
    runner.once('end', () => {
      const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, 15);
      const lines = slowest.map(([file, took]) => `${took.toFixed().padStart(5)} s  ${file}\n`);
      process.stdout.write(`\nThe files that took longest:\n${lines.join('')}`);
      const { passes, failures, pending } = runner.stats ?? { passes: 0, failures: 0, pending: 0 };
      const missing =
        radosGwVersion() === undefined
          ? ` (no RadosGW; as root: apt-get install ${radosGwPackages.join(' ')})`
          : '';
      const servers = s3Places.map(({ name }) => name).join(', ');
      // Once more, because often only the end of a long output is kept.
      process.stdout.write(`\n${told.join('\n')}`);
      process.stdout.write(`\nS3 servers of this run: ${servers}${missing}\n`);
      if (pending > 0) process.stdout.write(`\n${pending} skipped\n`);
      // A file without any test counts as failed to mocha, and no test of it can say so.
      const unsaid = runner.failures - failures;
      if (unsaid > 0) process.stdout.write(`\nFiles without any test: ${unsaid}\n`);
      process.stdout.write(`\n${passes} passed, ${failures + unsaid} failed\n`);
    });
  }
}
