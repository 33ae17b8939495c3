import { type Rig, type RigMaker, rigMaker } from './rig.ts';

let maker: Promise<RigMaker> | undefined;

const onlyMaker = async (): Promise<RigMaker> => {
  const made = await rigMaker();
  process.once('exit', () => {
    made[Symbol.dispose]();
  });
  return made;
};

/** A rig for the tests of one `describe`; the box is deployed once for all of them. */
export const testRig = (): (() => Rig) => {
  let rig: Rig | undefined;
  before(async () => {
    maker ??= onlyMaker();
    rig = await (await maker).make();
  });
  after(async () => rig?.[Symbol.asyncDispose]());
  return () => {
    if (rig === undefined) throw new Error('the box did not start');
    return rig;
  };
};
