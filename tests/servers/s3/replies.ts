/** What the server answers; `size` is there when the body is a stream. */
export interface S3Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly size?: number;
  /** The body is sent without Content-Length. */
  readonly isChunked?: boolean;
}

/** An answer that says no. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const xmlReply = (
  root: string,
  inner: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): S3Reply => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`,
  ),
});

export const errorReply = ({ status, code, message, headers }: S3Error, path: string): S3Reply => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element('Code', code)}${element('Message', message)}${element('Resource', path)}<RequestId>0000</RequestId><HostId>test</HostId></Error>`,
  ),
});

export const element = (name: string, text: string | number): string =>
  `<${name}>${escapeXml(String(text))}</${name}>`;

export const quotedEtag = (etag: string): string => `"${etag}"`;

/** Control characters become references that XML 1.0 forbids, which is what AWS does. */
export const escapeXml = (text: string): string =>
  Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 32 || '&<>"\''.includes(character) ? `&#${code};` : character;
  }).join('');

export const unescapeXml = (text: string): string =>
  text.replace(/&(#x?)?([0-9a-zA-Z]+);/g, (whole, number: string | undefined, name: string) => {
    if (number === undefined)
      return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name] ?? whole;
    const code = Number.parseInt(name, number === '#' ? 10 : 16);
    if (code < 32 && ![9, 10, 13].includes(code)) throw malformedXml();
    return String.fromCodePoint(code);
  });

export const malformedXml = (): S3Error =>
  new S3Error(400, 'MalformedXML', 'The XML you provided was not well-formed.');
