/** An answer other than 200, with a Status object. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** The answer that stands for anything thrown. */
export const toStatus = (error: unknown): { readonly status: number; readonly body: string } => {
  const { status, reason, message } =
    error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message,
    reason,
    code: status,
  };
  return { status, body: JSON.stringify(body) };
};
