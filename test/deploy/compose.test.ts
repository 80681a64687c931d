import { expect } from 'chai';
import { composeFile, configuredVariables, instruction, ownServices, procfile, read } from './support.ts';

describe('docker-compose.dev.yml', () => {
  it('has a service for every process, the servers they need, and the sandbox', () => {
    const { services } = composeFile();
    expect(services).to.have.all.keys(
      'postgres',
      'redis',
      'sandbox',
      'prometheus',
      'grafana',
      ...Object.keys(procfile()),
    );
  });

  it('runs from source what the Procfile runs compiled', () => {
    for (const [type, compiled] of Object.entries(procfile())) {
      const service = composeFile().services[type];
      const words = service?.command?.filter((word) => word !== '--watch');
      const [, name, value, command = ''] = /^(?:env (\w+)=(\S+) )?(node .*)$/.exec(compiled) ?? [];
      const fromSource = command.replace(/ dist\/(.*)\.js$/, ' $1.ts');
      expect(words?.join(' '), type).to.equal(fromSource);
      if (name) expect(service?.environment, type).to.include({ [name]: value });
    }
  });

  it('gives every process .env, and on top of it only variables that are read', async () => {
    const known = await configuredVariables();
    for (const [name, service] of ownServices()) {
      expect(service.env_file, name).to.deep.equal(['./.env']);
      for (const variable of Object.keys(service.environment ?? {})) expect(known).to.include(variable);
    }
  });

  it('takes only variables from .env that exist', async () => {
    const known = await configuredVariables();
    const taken = [...read('docker-compose.dev.yml').matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(
      ([, name]) => name,
    );
    expect(taken).not.to.be.empty;
    for (const variable of taken) expect(known).to.include(variable);
  });

  it('publishes ports on this machine only', () => {
    const ports = Object.values(composeFile().services).flatMap((service) => service.ports ?? []);
    expect(ports).not.to.be.empty;
    for (const port of ports) expect(port).to.match(/^127\.0\.0\.1:/);
  });

  it('can run any number of workers', () => {
    const { worker } = composeFile().services;
    expect(worker).not.to.have.any.keys('ports', 'container_name');
  });

  it('starts processes when what they need is there', () => {
    const { services } = composeFile();
    for (const [name, service] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        const needed = services[other];
        expect(needed, `${name} depends on ${other}`).not.to.equal(undefined);
        if (condition === 'service_healthy') expect(needed?.healthcheck, other).not.to.equal(undefined);
        if (condition === 'service_completed_successfully') expect(needed?.restart, other).to.equal('no');
      }
    }
    expect(services.web?.depends_on?.release?.condition).to.equal('service_completed_successfully');
    expect(services.worker?.depends_on?.release?.condition).to.equal('service_completed_successfully');
  });

  it('lets Redis neither evict nor forget', () => {
    const command = composeFile().services.redis?.command?.join(' ');
    expect(command).to.contain('--appendonly yes').and.to.contain('--maxmemory-policy noeviction');
  });

  it('keeps what PostgreSQL and Redis store in volumes that exist', () => {
    const { services, volumes } = composeFile();
    for (const name of ['postgres', 'redis']) {
      const [volume = ''] = services[name]?.volumes?.map((mount) => mount.split(':')[0] ?? '') ?? [];
      expect(volumes).to.have.property(volume);
    }
  });

  it('mounts over the image what the image was made from', () => {
    for (const [name, service] of ownServices()) {
      expect(service.build?.target, name).to.equal('development');
      for (const mount of service.volumes ?? []) {
        const [source = '', target] = mount.split(':');
        expect(target, mount).to.equal(`${instruction('base', 'WORKDIR')}/${source.replace('./', '')}`);
      }
    }
  });

  it('waits longer for a process to stop than the process itself does', () => {
    const [, seconds] = /STOP_WITHIN_MS = (\d+) \* SECOND/.exec(read('src/shared/start-process.ts')) ?? [];
    for (const type of Object.keys(procfile()).filter((each) => each !== 'release')) {
      const grace = Number.parseInt(composeFile().services[type]?.stop_grace_period ?? '0', 10);
      expect(grace, type).to.be.above(Number(seconds));
    }
  });
});
