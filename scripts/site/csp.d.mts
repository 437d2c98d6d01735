export declare const META_CSP: string;
export declare const HEADER_CSP: string;
