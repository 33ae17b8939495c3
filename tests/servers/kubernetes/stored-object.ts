/**
 * An object as the API has it. What only some kinds have may be absent, as in an object of another
 * kind.
 */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly ownerReferences?: readonly { readonly uid: string; readonly kind: string }[];
  };
  readonly spec?: ObjectSpec;
  readonly status?: ObjectStatus;
  /** Of a Secret. */
  readonly data?: Labels;
  readonly stringData?: Labels;
  /** Of an Event. */
  readonly reason?: string;
  readonly message?: string;
}

type Labels = Readonly<Record<string, string>>;

export interface ObjectSpec {
  readonly suspend?: boolean;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly podFailurePolicy?: {
    readonly rules: readonly {
      readonly action: string;
      readonly onExitCodes?: { readonly values: readonly number[] };
      readonly onPodConditions?: readonly { readonly type: string }[];
    }[];
  };
  readonly template?: {
    readonly metadata?: { readonly labels?: Labels };
    readonly spec: ObjectSpec;
  };
  readonly containers?: readonly ContainerSpec[];
  readonly securityContext?: SecurityContext;
  readonly volumes?: readonly VolumeSpec[];
  readonly restartPolicy?: string;
  readonly nodeName?: string;
  /** Of a Node. */
  readonly unschedulable?: boolean;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly {
          readonly matchFields: readonly { readonly values: readonly string[] }[];
        }[];
      };
    };
  };
  readonly accessModes?: readonly string[];
  readonly resources?: { readonly requests: { readonly storage: string } };
}

export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups?: readonly number[];
  readonly runAsNonRoot?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvironmentVariable[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe?: { readonly tcpSocket: { readonly port: number } };
  readonly securityContext?: SecurityContext;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

interface VolumeSpec {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly secret?: {
    readonly secretName: string;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
  };
  readonly emptyDir?: object;
}

export interface ObjectStatus {
  readonly phase?: string;
  readonly started?: boolean;
  readonly failed?: number;
  readonly conditions?: readonly { readonly type: string }[];
  readonly containerStatuses?: readonly { readonly name: string }[];
}

/** The claims that a pod mounts. */
export const claimsOf = ({ volumes = [] }: ObjectSpec = {}): readonly string[] =>
  volumes.flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim ? [persistentVolumeClaim.claimName] : [],
  );
