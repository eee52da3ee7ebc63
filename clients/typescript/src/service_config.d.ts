/** The channel's default service config, as JSON text. The build makes the module from service_config.json. */
export declare const serviceConfig: string;
