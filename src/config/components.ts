/** The parts that a backup set can consist of. The databases are named after our endpoints. */
export const components = ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'] as const;

export type Component = (typeof components)[number];

export const databaseEndpoints = ['kfp-db', 'katib-db'] as const;

export type DatabaseEndpoint = (typeof databaseEndpoints)[number];
